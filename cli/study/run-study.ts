import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { parseDefinition } from '#runtime/data/definition.js';
import { InternalError } from '#runtime/errors.js';
import { submitAndFollow } from '../follow.js';
import { installModel } from '../models.js';
import type { OrchestratorClient } from '../orchestrator-client.js';
import type { ProgressDisplay } from '../progress.js';
import { openSession } from '../session.js';
import { inParallel } from './in-parallel.js';
import { type PlannedRun, planOf, type Study } from './plan.js';
import { ResultStore, replaceText } from './result-store.js';
import { type Summary, summarize } from './summary.js';
import { csvTable, markdownTable } from './tables.js';

/** Where a study works, besides what it compares. */
export interface Workplace {
  readonly datasets: Readonly<Record<string, string>>;
  /** Of the study alone: runs, models, results and tables are in it. */
  readonly folder: string;
  readonly engine: EngineChoice;
  /** Runs that go on at the same time. */
  readonly concurrentRuns: number;
  readonly progress: ProgressDisplay;
  /** Aborting it cancels the runs; the same study again goes on with them. */
  readonly signal: AbortSignal;
}

/**
 * Runs what is left of a study, teachers first, and keeps the result of each
 * run as it ends; the tables are always those of all results so far. A run
 * that was cut short goes on from its last checkpoint. The first run that
 * fails cancels the others.
 * @throws the error that ended a run; InvalidRequestError if the folder holds
 *   results of other settings
 */
export async function runStudy(
  study: Study,
  workplace: Workplace,
): Promise<Summary> {
  const { datasets, engine, concurrentRuns } = workplace;
  const folder = resolve(workplace.folder);
  const modelsDir = join(folder, 'models');
  const store = new ResultStore(join(folder, 'results'));
  const { teachers, students } = planOf(study);
  const missing = (run: PlannedRun) => store.find(run) === undefined;
  const comparable = isCifar100(study.dataset, datasets[study.dataset]);
  const summary = () => summarize(study, (run) => store.find(run), comparable);
  // Asks for every result, so that a wrong one is found before any run.
  write(folder, summary());
  await using session = await openSession({
    ...{ datasets, modelsDir, runsDir: join(folder, 'runs'), engine },
    students: concurrentRuns,
  });
  const all = async (
    planned: readonly PlannedRun[],
    { orchestrator } = session,
  ) =>
    inParallel(planned.filter(missing), concurrentRuns, async (run, failed) => {
      const signal = AbortSignal.any([failed, workplace.signal]);
      const result = await finish(orchestrator, run, workplace, signal);
      store.keep(run, result);
      write(folder, summary());
    });
  await all(teachers);
  for (const teacher of teachers) {
    if (existsSync(join(modelsDir, teacher.model))) continue;
    const checkpoint = store.find(teacher)?.checkpoint ?? '';
    await installModel(checkpoint, modelsDir, teacher.model);
  }
  await all(students);
  return summary();
}

async function finish(
  orchestrator: OrchestratorClient,
  run: PlannedRun,
  { progress }: Workplace,
  signal: AbortSignal,
) {
  const { runId } = run;
  try {
    const { result } = await submitAndFollow(
      orchestrator,
      run,
      (change) => progress.update(runId, change),
      signal,
    );
    if (!result) throw new InternalError({});
    return result;
  } finally {
    progress.done(runId);
  }
}

/** The authors' table is of CIFAR-100 alone, whatever a data set's name. */
function isCifar100(name: string, definition: string | undefined): boolean {
  return (
    definition !== undefined &&
    parseDefinition(name, definition).kind === 'cifar100'
  );
}

function write(folder: string, summary: Summary): void {
  const json = JSON.stringify(summary, null, 2);
  replaceText(join(folder, 'summary.json'), `${json}\n`);
  replaceText(join(folder, 'table.md'), markdownTable(summary));
  replaceText(join(folder, 'runs.csv'), csvTable(summary));
}
