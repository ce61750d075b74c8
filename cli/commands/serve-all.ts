import { join } from 'node:path';
import { Command, Option } from 'commander';
import { readEnv } from '#runtime/env.js';
import { runUntilSignal } from '#runtime/lifecycle.js';
import { createLogger } from '#runtime/logger.js';
import { startLocalCluster } from '../local-cluster.js';
import {
  dataOption,
  engineOption,
  modelsOption,
  positiveInteger,
  runsOption,
  type SessionFlags,
} from '../options.js';

interface ServeAllFlags extends Omit<SessionFlags, 'orchestrator'> {
  readonly students: number;
  readonly records?: string;
}

export const serveAllCommand = new Command('all')
  .description(
    'run all four services in this process, without NATS; RRD_* as in docs/services.md',
  )
  .addOption(dataOption)
  .addOption(modelsOption)
  .addOption(runsOption)
  .addOption(engineOption)
  .addOption(
    new Option('--students <n>', 'workers: how many runs go on at a time')
      .default(1)
      .argParser(positiveInteger),
  )
  .option(
    '--records <dir>',
    'where the runs that are known outlive this process (default: .records below --runs)',
  )
  .action(serveAll);

/** Until SIGTERM or SIGINT: workers then leave their runs behind a checkpoint. */
async function serveAll(flags: ServeAllFlags): Promise<void> {
  const { data: datasets, models: modelsDir, runs: runsDir } = flags;
  const { engine, students, records } = flags;
  const log = createLogger('all');
  const cluster = await startLocalCluster({
    ...{ datasets, modelsDir, runsDir, engine, students, log },
    settings: {
      bus: { recordsDir: records ?? join(runsDir, '.records') },
      teacher: readEnv('RRD_TEACHER_'),
      memoryBank: readEnv('RRD_BANK_'),
      student: readEnv('RRD_STUDENT_'),
      orchestrator: readEnv('RRD_ORCHESTRATOR_'),
    },
  });
  const service = {
    name: 'all',
    address: cluster.orchestratorAddress,
    close: async () => await cluster[Symbol.asyncDispose](),
  };
  await runUntilSignal(service, { log });
}
