import { table } from '../../cli/text.js';
import { timedRun } from '../scale/timed-run.js';
import {
  type ScalePlace,
  scaleExperiment,
  startScale,
} from '../scale/world.js';
import { fewThreads, type Fit } from './fit/index.js';
import { simulate } from './model.js';
import type { Parameters } from './parameters.js';

const rankCounts = [1, 2, 4] as const;

/** A real run beside what the model says of it. */
export interface Check {
  readonly ranks: number;
  /** Whether the teacher finds all answers in its cache. */
  readonly known: boolean;
  readonly measuredMs: number;
  readonly predictedMs: number;
  /** Cores that other programs left to the run. */
  readonly cores: number;
}

export const relativeErrorOf = ({ measuredMs, predictedMs }: Check) =>
  predictedMs / measuredMs - 1;

/** N ranks on N workers, all on this machine, with a teacher that computes. */
export async function checkRuns(
  place: ScalePlace,
  { parameters, knownBatchMs }: Fit,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const knowing = {
    ...parameters,
    teacher: { ...parameters.teacher, batchMs: knownBatchMs },
  };
  for (const ranks of rankCounts) {
    await using cluster = await startScale(place, ranks, fewThreads);
    for (const known of [false, true]) {
      const experiment = scaleExperiment(place.engine, { dataSeed: 1, ranks });
      const runId = `check-${ranks}-${known}`;
      const { runsDir } = place.world;
      const times = await timedRun(cluster, runsDir, experiment, runId);
      const cores = Math.max(0.1, parameters.cores - times.othersCores);
      const given = { ...(known ? knowing : parameters), cores };
      const predictedMs = predict(given, ranks);
      checks.push({ ranks, known, measuredMs: times.ms, predictedMs, cores });
      printChecks(checks.slice(-1));
    }
  }
  return checks;
}

function predict(parameters: Parameters, ranks: number): number {
  const load = { students: ranks, ranksPerRun: ranks, teachers: 1 };
  return simulate(parameters, { ...load, oneMachine: true }).stepMs;
}

export function printChecks(checks: readonly Check[]): void {
  const rows = checks.map((own) => [
    `${own.ranks}, teacher ${own.known ? 'knows' : 'computes'}`,
    own.predictedMs.toFixed(0),
    own.measuredMs.toFixed(0),
    `${(100 * relativeErrorOf(own)).toFixed(0)} %`,
    own.cores.toFixed(2),
  ]);
  const header = [
    'ranks',
    'predicted ms',
    'measured ms',
    'error',
    'cores left',
  ];
  console.log(table(header, rows));
}
