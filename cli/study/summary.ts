import { paperAccuracy } from './paper.js';
import { pairName, type PlannedRun, planOf, type Study } from './plan.js';
import type { KeptResult } from './result-store.js';

/** What a study found so far: the contents of `summary.json`. */
export interface Summary {
  readonly study: Study;
  /** Engines that computed it; usually one. */
  readonly engines: readonly string[];
  readonly finishedRuns: number;
  readonly plannedRuns: number;
  readonly teachers: readonly TeacherSummary[];
  /** Each method of each pair. */
  readonly rows: readonly Row[];
  readonly runs: readonly RunSummary[];
}

interface TeacherSummary {
  readonly network: string;
  /** Fraction of the test split, as all accuracies here. */
  readonly accuracy?: number;
}

export interface Row {
  readonly teacher: string;
  readonly student: string;
  readonly method: string;
  /** Of seeds whose run has finished; none, no figures. */
  readonly seeds: readonly number[];
  readonly lastAccuracy?: Spread;
  readonly bestAccuracy?: Spread;
  readonly agreementWithTeacher?: Spread;
  /** What the authors' table has for it, last epoch, as a fraction. */
  readonly paperAccuracy?: number;
}

export interface Spread {
  readonly mean: number;
  /** With n - 1 below the fraction line; absent for one value. */
  readonly std?: number;
}

interface RunSummary extends KeptResult {
  readonly runId: string;
}

/** How the results of finished runs are found. */
export type FindResult = (run: PlannedRun) => KeptResult | undefined;

/** @param comparable whether the data set is that of the authors' table */
export function summarize(
  study: Study,
  find: FindResult,
  comparable: boolean,
): Summary {
  const { teachers, students } = planOf(study);
  const planned = [...teachers, ...students];
  const runs = planned.flatMap((run) => {
    const result = find(run);
    return result ? [{ runId: run.runId, ...result }] : [];
  });
  const paper = (pair: string, method: string) => {
    const percent = comparable ? paperAccuracy(pair, method) : undefined;
    return percent === undefined ? {} : { paperAccuracy: percent / 100 };
  };
  return {
    study,
    engines: [...new Set(runs.map(({ engine }) => engine))],
    finishedRuns: runs.length,
    plannedRuns: planned.length,
    teachers: teachers.map((teacher) => {
      const accuracy = find(teacher)?.testAccuracy;
      const network = teacher.model;
      return { network, ...(accuracy !== undefined && { accuracy }) };
    }),
    rows: study.pairs.flatMap((pair) =>
      Object.keys(study.methods).map((method) => ({
        ...{ teacher: pair.teacher, student: pair.student, method },
        ...figures(
          students.filter((run) => run.pair === pair && run.method === method),
          find,
        ),
        ...paper(pairName(pair), method),
      })),
    ),
    runs,
  };
}

function figures(
  planned: readonly (PlannedRun & { readonly seed: number })[],
  find: FindResult,
) {
  const finished = planned.flatMap((run) => {
    const result = find(run);
    return result ? [{ ...result, seed: run.seed }] : [];
  });
  const seeds = finished.map(({ seed }) => seed);
  if (finished.length === 0) return { seeds };
  const agreements = finished.flatMap((run) => run.agreementWithTeacher ?? []);
  return {
    seeds,
    lastAccuracy: spreadOf(finished.map((run) => run.testAccuracy)),
    bestAccuracy: spreadOf(finished.map((run) => run.bestTestAccuracy)),
    ...(agreements.length > 0 && {
      agreementWithTeacher: spreadOf(agreements),
    }),
  };
}

/** Mean and sample standard deviation of one value or more. */
export function spreadOf(values: readonly number[]): Spread {
  const sum = (of: readonly number[]) => of.reduce((a, b) => a + b, 0);
  const mean = sum(values) / values.length;
  if (values.length === 1) return { mean };
  const squares = sum(values.map((value) => (value - mean) ** 2));
  return { mean, std: Math.sqrt(squares / (values.length - 1)) };
}
