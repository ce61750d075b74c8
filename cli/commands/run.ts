import { Command } from 'commander';
import { readExperiment } from '../experiment-file.js';
import { submitAndFollow } from '../follow.js';
import { catchInterruption } from '../interruption.js';
import {
  dataOption,
  engineOption,
  epochsOption,
  jsonOption,
  modelsOption,
  orchestratorOption,
  runsOption,
  type SessionFlags,
  tlsCaOption,
  tlsIdentityOption,
  tlsOf,
  wholeNumber,
} from '../options.js';
import type { Run } from '../orchestrator-client.js';
import { createProgress } from '../progress.js';
import { resultText } from '../result.js';
import { openSession } from '../session.js';

interface RunFlags extends SessionFlags {
  readonly runId?: string;
  readonly epochs?: number;
  readonly priority?: number;
  readonly user?: string;
  readonly json?: boolean;
}

export const runCommand = new Command('run')
  .description('run an experiment to its end')
  .argument('<experiment>', 'a YAML file, see configs/')
  .option('--run-id <id>', 'instead of a new one')
  .option(
    '--priority <n>',
    'among the runs that wait; the highest goes first',
    wholeNumber,
  )
  .option('--user <name>', 'whose run it is, for limits')
  .addOption(epochsOption)
  .addOption(orchestratorOption)
  .addOption(tlsCaOption)
  .addOption(tlsIdentityOption)
  .addOption(dataOption)
  .addOption(modelsOption)
  .addOption(runsOption)
  .addOption(engineOption)
  .addOption(jsonOption)
  .action(async (path: string, flags: RunFlags) => {
    const run = await runExperiment(path, flags);
    console.log(flags.json ? JSON.stringify(run) : resultText(run));
  });

/** Submits an experiment and follows it to its end; Ctrl-C cancels it. */
export async function runExperiment(
  path: string,
  flags: RunFlags,
): Promise<Run> {
  const experiment = readExperiment(path, {
    'training.epochs': flags.epochs,
    engine: flags.engine === 'auto' ? undefined : flags.engine,
  });
  using interruption = catchInterruption();
  await using session = await openSession({
    orchestrator: flags.orchestrator,
    tls: tlsOf(flags),
    datasets: flags.data,
    modelsDir: flags.models,
    runsDir: flags.runs,
    engine: flags.engine,
    students: experiment.workers,
  });
  const { orchestrator } = session;
  const { runId, user, priority } = flags;
  const standing = {
    ...(user !== undefined && { user }),
    ...(priority !== undefined && { priority }),
  };
  const progress = createProgress(process.stderr);
  try {
    return await submitAndFollow(
      orchestrator,
      { experiment, runId, standing },
      (run) => progress.update(experiment.name, run),
      interruption.signal,
    );
  } finally {
    progress.done(experiment.name);
  }
}
