import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { catchInterruption } from '../interruption.js';
import {
  dataOption,
  engineOption,
  jsonOption,
  positiveInteger,
  runsOption,
  type SessionFlags,
} from '../options.js';
import { createProgress } from '../progress.js';
import { studySchema } from '../study/plan.js';
import { runStudy } from '../study/run-study.js';
import { readYaml } from '#runtime/yaml-file.js';

interface StudyFlags extends Pick<SessionFlags, 'data' | 'runs' | 'engine'> {
  readonly concurrentRuns: number;
  readonly json?: boolean;
}

export const studyCommand = new Command('study')
  .description(
    'compare methods on pairs of networks over seeds; the same command again goes on where it stopped',
  )
  .argument('<study>', 'a YAML file, see configs/studies/')
  .option('--concurrent-runs <n>', 'runs at the same time', positiveInteger, 1)
  .addOption(dataOption)
  .addOption(runsOption)
  .addOption(engineOption)
  .addOption(jsonOption)
  .action(async (path: string, flags: StudyFlags) => {
    const form = { what: 'study', schema: studySchema };
    const study = readYaml(path, form);
    const folder = join(flags.runs, study.name);
    using interruption = catchInterruption();
    const summary = await runStudy(study, {
      ...{ datasets: flags.data, folder, engine: flags.engine },
      concurrentRuns: flags.concurrentRuns,
      progress: createProgress(process.stderr),
      signal: interruption.signal,
    });
    if (flags.json) {
      console.log(JSON.stringify(summary));
      return;
    }
    console.log(readFileSync(join(folder, 'table.md'), 'utf8'));
    console.log(`${folder}/summary.json\n${folder}/runs.csv`);
  });
