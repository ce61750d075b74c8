import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RunResult__Output } from '#proto/rrd/v1/RunResult.js';
import type { Experiment } from '#distill/experiment.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { InternalError } from '#runtime/errors.js';
import { submitAndFollow } from '../follow.js';
import { catchInterruption } from '../interruption.js';
import { installModel } from '../models.js';
import { createProgress } from '../progress.js';
import { openSession, type Session } from '../session.js';
import { readCurve } from './curves.js';
import {
  comparedMethods,
  type QuickstartOptions,
  studentExperiment,
  teacherExperiment,
} from './plan.js';
import { reportPage } from './report.js';
import { summarize, type Summary } from './summary.js';

/** Where quickstart works, besides what it compares. */
export interface Workplace {
  /** A folder of {train,test}/<class>/<image> files, or the built-in images. */
  readonly data: string | undefined;
  readonly engine: EngineChoice;
  /** The folder of all runs; quickstart makes one of its own in it. */
  readonly runsDir: string;
}

/** Students that train at the same time. */
const concurrentStudents = 2;

/**
 * Trains a teacher and then one student for each compared method, all as runs
 * of the services; writes summary.json and report.html beside their folders.
 * @returns the summary and the folder
 */
export async function quickstart(
  options: QuickstartOptions,
  workplace: Workplace,
): Promise<{ summary: Summary; folder: string }> {
  const folder = resolve(workplace.runsDir, `quickstart-${timestamp()}`);
  const modelsDir = join(folder, 'models');
  mkdirSync(modelsDir, { recursive: true });
  const { data, engine } = workplace;
  using interruption = catchInterruption();
  await using session = await openSession({
    datasets: data ? { [options.dataset]: `folder:${resolve(data)}` } : {},
    modelsDir,
    runsDir: folder,
    engine,
    students: concurrentStudents,
  });
  const run = runner(session, interruption.signal);
  const teacher = await run('teacher', teacherExperiment(options));
  await installModel(teacher.checkpoint, modelsDir, options.model);
  const students = await Promise.all(
    comparedMethods.map(async (method) => {
      const result = await run(method, studentExperiment(method, options));
      return [method, result] as const;
    }),
  );
  const summary = summarize(options, teacher, students);
  const curves = ['teacher', ...comparedMethods].map((label) =>
    readCurve(label, join(folder, runIdOf(label))),
  );
  writeFileSync(
    join(folder, 'summary.json'),
    `${JSON.stringify(summary, null, 2)}\n`,
  );
  writeFileSync(join(folder, 'report.html'), reportPage(summary, curves));
  return { summary, folder };
}

/** Run ids, and so the names of their folders, take no plus sign. */
function runIdOf(label: string): string {
  return label.replaceAll('+', '-');
}

/**
 * Runs experiments to their end under their labels as run ids, or cancels
 * them when `interrupted` aborts.
 */
function runner({ orchestrator }: Session, interrupted: AbortSignal) {
  const progress = createProgress(process.stderr);
  return async (
    label: string,
    experiment: Experiment,
  ): Promise<RunResult__Output> => {
    try {
      const { result } = await submitAndFollow(
        orchestrator,
        { experiment, runId: runIdOf(label) },
        (change) => progress.update(label, change),
        interrupted,
      );
      if (!result) throw new InternalError({});
      return result;
    } finally {
      progress.done(label);
    }
  };
}

/** `20261124-015600`, for folder names that sort by time. */
function timestamp(): string {
  return new Date()
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[-:]/g, '')
    .replace('T', '-');
}
