import { Command } from 'commander';
import { evaluateModel } from '../evaluate.js';
import { dataOption, engineOption, jsonOption } from '../options.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { percent } from '../text.js';

interface EvalFlags {
  readonly data: Readonly<Record<string, string>>;
  readonly dataset?: string;
  readonly engine: EngineChoice;
  readonly json?: boolean;
}

export const evalCommand = new Command('eval')
  .description("measure a checkpoint's network on a data set's test split")
  .argument('<checkpoint>', 'a folder with a checkpoint or a model')
  .option('--dataset <name>', 'instead of the one it was trained on')
  .addOption(dataOption)
  .addOption(engineOption)
  .addOption(jsonOption)
  .action(async (checkpoint: string, flags: EvalFlags) => {
    const result = await evaluateModel(checkpoint, {
      datasets: flags.data,
      dataset: flags.dataset,
      engine: flags.engine,
    });
    if (flags.json) {
      console.log(JSON.stringify(result));
    } else {
      const { network, accuracy, correct, total, dataset, engine } = result;
      const share = `${percent(accuracy)} (${correct} of ${total})`;
      console.log(`${network} on ${dataset} (${engine}): ${share}`);
    }
  });
