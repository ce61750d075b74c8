import { Command } from 'commander';
import { DomainError } from '#runtime/errors.js';
import { packageVersion } from '#runtime/version.js';
import { bankCommand } from './commands/bank.js';
import { benchCommand } from './commands/bench.js';
import { checkpointCommand } from './commands/checkpoint.js';
import { dataCommand } from './commands/data.js';
import { doctorCommand } from './commands/doctor.js';
import { evalCommand } from './commands/eval.js';
import { listCommand } from './commands/list.js';
import { plotCommand } from './commands/plot.js';
import { quickstartCommand } from './commands/quickstart.js';
import { runCommand } from './commands/run.js';
import { serveCommand } from './commands/serve.js';
import { steerCommands } from './commands/steer.js';
import { teacherCommand } from './commands/teacher/index.js';
import { trainTeacherCommand } from './commands/train-teacher.js';
import { studyCommand } from './commands/study.js';
import { transferCommand } from './commands/transfer.js';
import { watchCommand } from './commands/watch.js';

const program = new Command('rrd')
  .description('distributed knowledge distillation')
  .version(packageVersion())
  .addCommand(quickstartCommand)
  .addCommand(runCommand)
  .addCommand(trainTeacherCommand)
  .addCommand(teacherCommand)
  .addCommand(evalCommand)
  .addCommand(studyCommand)
  .addCommand(transferCommand)
  .addCommand(plotCommand)
  .addCommand(watchCommand)
  .addCommand(listCommand)
  .addCommand(bankCommand)
  .addCommand(benchCommand)
  .addCommand(checkpointCommand)
  .addCommand(dataCommand)
  .addCommand(doctorCommand)
  .addCommand(serveCommand);

for (const command of steerCommands) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  // What a user can act on is one line; anything else is a bug and shows all.
  if (!(error instanceof DomainError)) throw error;
  console.error(`rrd: ${error.message} [${error.reason}]`);
  process.exitCode = 1;
}
