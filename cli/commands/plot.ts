import { Command } from 'commander';
import { tsneDefaults } from '#distill/analysis/tsne.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { catchInterruption } from '../interruption.js';
import { dataOption, engineOption, positiveInteger } from '../options.js';
import { writeFigure } from '../plots/figure.js';
import { plotCorrelation, plotTsne } from '../plots/plot.js';

interface PlotFlags {
  readonly data: Readonly<Record<string, string>>;
  readonly dataset?: string;
  readonly engine: EngineChoice;
  readonly out: string;
}

interface TsneFlags extends PlotFlags {
  readonly samples: number;
  readonly iterations: number;
  readonly seed: number;
}

/** A figure's command: what it is made of, and where it goes. */
function figureCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--dataset <name>', 'instead of the one it was trained on')
    .option('--out <file>', 'without .svg and .png, which are both made', name)
    .addOption(dataOption)
    .addOption(engineOption);
}

function optionsOf(flags: PlotFlags, signal: AbortSignal) {
  const { data: datasets, dataset, engine } = flags;
  return { datasets, dataset, engine, signal };
}

const tsneCommand = figureCommand(
  'tsne',
  "a t-SNE map of a network's logits on the test split",
)
  .argument('<checkpoint>', 'a folder with a checkpoint or a model')
  .option('--samples <n>', 'test images, evenly spread', positiveInteger, 2000)
  .option(
    '--iterations <n>',
    "250 with neighbours pulled closer, then ordinary ones; the paper's number is the default",
    positiveInteger,
    tsneDefaults.iterations,
  )
  .option('--seed <n>', 'of the first places', Number, 0)
  .action(async (checkpoint: string, flags: TsneFlags) => {
    using interruption = catchInterruption();
    const { samples, iterations, seed } = flags;
    const svg = await plotTsne(checkpoint, {
      ...optionsOf(flags, interruption.signal),
      ...{ samples, iterations, seed },
    });
    console.log((await writeFigure(flags.out, svg)).join('\n'));
  });

const correlationCommand = figureCommand(
  'correlation',
  "how far a student's class-logit correlations are from its teacher's",
)
  .argument('<student>', 'a folder with a checkpoint or a model')
  .argument('<teacher>', 'another one, of as many classes')
  .action(async (student: string, teacher: string, flags: PlotFlags) => {
    using interruption = catchInterruption();
    const options = optionsOf(flags, interruption.signal);
    const plot = await plotCorrelation(student, teacher, options);
    const { mean, max } = plot;
    console.log(`mean ${mean.toFixed(4)}, max ${max.toFixed(4)}`);
    console.log((await writeFigure(flags.out, plot.svg)).join('\n'));
  });

export const plotCommand = new Command('plot')
  .description("the paper's figures, as SVG and PNG")
  .addCommand(tsneCommand)
  .addCommand(correlationCommand);
