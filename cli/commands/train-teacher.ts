import { Command } from 'commander';
import {
  dataOption,
  engineOption,
  epochsOption,
  jsonOption,
  modelsOption,
  runsOption,
  type SessionFlags,
} from '../options.js';
import { checkModelName, installModel } from '../models.js';
import { resultText } from '../result.js';
import { runExperiment } from './run.js';

interface TrainTeacherFlags extends SessionFlags {
  readonly model: string;
  readonly epochs?: number;
  readonly json?: boolean;
}

export const trainTeacherCommand = new Command('train-teacher')
  .description('run an experiment and put its network into the model folder')
  .argument('<experiment>', 'a YAML file, usually with cross-entropy alone')
  .requiredOption('--model <name>', 'the name to serve the network under')
  .addOption(epochsOption)
  .addOption(dataOption)
  .addOption(modelsOption)
  .addOption(runsOption)
  .addOption(engineOption)
  .addOption(jsonOption)
  .action(async (path: string, flags: TrainTeacherFlags) => {
    checkModelName(flags.models, flags.model);
    const run = await runExperiment(path, flags);
    const checkpoint = run.result?.checkpoint ?? '';
    const folder = await installModel(checkpoint, flags.models, flags.model);
    if (flags.json) console.log(JSON.stringify({ ...run, model: folder }));
    else console.log(`${resultText(run)}\n${'model'.padEnd(20)} ${folder}`);
  });
