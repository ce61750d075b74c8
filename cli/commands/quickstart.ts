import { Command, Option } from 'commander';
import { networkNames, type NetworkName } from '#distill/models/index.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { chooseEngine } from '#runtime/compute/index.js';
import { engineOption, positiveInteger, runsOption } from '../options.js';
import { quickstart } from '../quickstart/quickstart.js';
import { summaryTable } from '../quickstart/summary.js';

interface QuickstartFlags {
  readonly data?: string;
  readonly teacher: NetworkName;
  readonly student: NetworkName;
  readonly epochs: number;
  readonly teacherEpochs: number;
  readonly capacity: number;
  readonly seed: number;
  readonly engine: EngineChoice;
  readonly runs: string;
}

const networkOption = (flag: string, description: string, network: string) =>
  new Option(flag, description).choices(networkNames).default(network);

export const quickstartCommand = new Command('quickstart')
  .description(
    'train a teacher, then a student alone, with KD, RRD and RRD + KD, over the services',
  )
  .option('--data <dir>', 'a folder of {train,test}/<class>/<image> files')
  .addOption(networkOption('--teacher <network>', 'teacher', 'resnet20'))
  .addOption(networkOption('--student <network>', 'students', 'resnet8'))
  .option('--epochs <n>', 'epochs of each student', positiveInteger, 6)
  .option('--teacher-epochs <n>', 'epochs of the teacher', positiveInteger, 10)
  .option('--capacity <n>', 'rows of the memory bank', positiveInteger, 2048)
  .option('--seed <n>', 'of weights, order and views', positiveInteger, 1)
  .addOption(engineOption)
  .addOption(runsOption)
  .action(async (flags: QuickstartFlags) => {
    const engine = await chooseEngine(flags.engine);
    console.error(`engine: ${engine}`);
    if (flags.engine === 'auto' && engine !== 'tensorflow') {
      console.error('a faster one, in a checkout: npm run setup:tensorflow');
    }
    const { summary, folder } = await quickstart(
      {
        dataset: flags.data ? 'images' : 'procedural',
        teacherNetwork: flags.teacher,
        studentNetwork: flags.student,
        epochs: flags.epochs,
        teacherEpochs: flags.teacherEpochs,
        capacity: flags.capacity,
        seed: flags.seed,
        model: flags.teacher,
      },
      { data: flags.data, engine: flags.engine, runsDir: flags.runs },
    );
    console.log(`\n${summaryTable(summary)}\n`);
    console.log(`${folder}/report.html`);
    console.log(`${folder}/summary.json`);
  });
