import { Command } from 'commander';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { catchInterruption } from '../interruption.js';
import {
  dataOption,
  engineOption,
  jsonOption,
  positiveInteger,
} from '../options.js';
import { percent } from '../text.js';
import { transfer } from '../transfer.js';

interface TransferFlags {
  readonly data: Readonly<Record<string, string>>;
  readonly dataset: string;
  readonly engine: EngineChoice;
  readonly epochs: number;
  readonly seed: number;
  readonly augment: boolean;
  readonly json?: boolean;
}

export const transferCommand = new Command('transfer')
  .description("train a linear classifier on a frozen network's features")
  .argument('<checkpoint>', 'a folder with a checkpoint or a model')
  .requiredOption('--dataset <name>', 'what the classifier learns')
  .option('--epochs <n>', 'passes over the data', positiveInteger, 120)
  .option('--seed <n>', 'of weights, order and views', Number, 0)
  .option('--no-augment', 'stored images only: features are computed once')
  .addOption(dataOption)
  .addOption(engineOption)
  .addOption(jsonOption)
  .action(async (checkpoint: string, flags: TransferFlags) => {
    using interruption = catchInterruption();
    const { signal } = interruption;
    const { data: datasets, json, ...settings } = flags;
    const onEpoch = (epoch: number, loss: number) =>
      console.error(
        `epoch ${epoch} of ${flags.epochs}: loss ${loss.toFixed(4)}`,
      );
    const options = { ...settings, datasets, signal, onEpoch };
    const result = await transfer(checkpoint, options);
    if (json) {
      console.log(JSON.stringify(result));
      return;
    }
    const { network, dataset, accuracy, correct, total } = result;
    const share = `${percent(accuracy)} (${correct} of ${total})`;
    console.log(`${network}, frozen, on ${dataset}: ${share}`);
  });
