import type { JsonValue } from '#runtime/bus/bus.js';
import { isHeld, isWaiting, type RunRecord } from './run-record.js';

/** Which waiting runs are offered to workers, as pure functions. */

export interface AdmissionLimits {
  /** Runs that are worked on at a time; 0: no limit. */
  readonly maxRunning: number;
  /** Likewise of one user; 0: no limit. */
  readonly maxRunningPerUser: number;
}

/** The runs that wait: by priority, then as they were submitted. */
export function queueOf(runs: readonly RunRecord[]): RunRecord[] {
  return runs
    .filter(isWaiting)
    .sort(
      (a, b) =>
        b.priority - a.priority ||
        a.createdMs - b.createdMs ||
        (a.runId < b.runId ? -1 : 1),
    );
}

/**
 * The runs to be on offer now: of those that need the same of a worker only
 * the first, so that nobody overtakes it. The next one is offered once that is
 * taken; one that needs what no worker has holds up none that needs other
 * things.
 */
export function offersOf(
  runs: readonly RunRecord[],
  limits: AdmissionLimits,
  nowMs: number,
): RunRecord[] {
  const running = runs.filter(isHeld);
  const offers: RunRecord[] = [];
  const offered = new Set<string>();
  for (const run of queueOf(runs)) {
    const needs = needsOf(run);
    if (offered.has(needs) || nowMs < run.notBeforeMs) continue;
    if (!hasRoom(run, [...running, ...offers], limits)) continue;
    offered.add(needs);
    offers.push(run);
  }
  return offers;
}

function hasRoom(
  { user }: RunRecord,
  running: readonly RunRecord[],
  { maxRunning, maxRunningPerUser }: AdmissionLimits,
): boolean {
  const own = running.filter((run) => run.user === user);
  return (
    running.length < (maxRunning || Infinity) &&
    own.length < (maxRunningPerUser || Infinity)
  );
}

/** What a worker must have, or be able to reach. */
function needsOf({ experiment }: RunRecord): string {
  const { dataset, engine, gpuMemoryGiB, teacher } = experiment as Record<
    string,
    JsonValue
  >;
  return JSON.stringify([dataset, engine, gpuMemoryGiB, teacher]);
}
