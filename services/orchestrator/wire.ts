import type { Run } from '#proto/rrd/v1/Run.js';
import type { RunPhase as WirePhase } from '#proto/rrd/v1/RunPhase.js';
import { queueOf } from './admission.js';
import { isWaiting, type RunPhase, type RunRecord } from './run-record.js';
import type { RunStore } from './run-store.js';

const wirePhases = {
  pending: 'RUN_PHASE_PENDING',
  preparing: 'RUN_PHASE_PREPARING',
  running: 'RUN_PHASE_RUNNING',
  evaluating: 'RUN_PHASE_EVALUATING',
  succeeded: 'RUN_PHASE_SUCCEEDED',
  failed: 'RUN_PHASE_FAILED',
  cancelled: 'RUN_PHASE_CANCELLED',
  paused: 'RUN_PHASE_PAUSED',
  resuming: 'RUN_PHASE_RESUMING',
} satisfies Record<RunPhase, WirePhase>;

/** @param place among the runs that wait; 0 where it does not */
function toWire(record: RunRecord, place: number): Run {
  const { experiment, phase, progress, result, failure } = record;
  return {
    runId: record.runId,
    phase: wirePhases[phase],
    experimentJson: JSON.stringify(experiment),
    worker: record.worker,
    ...(progress && { progress }),
    ...(result && { result }),
    ...(failure && { failure }),
    createdMs: record.createdMs,
    updatedMs: record.updatedMs,
    revision: record.revision,
    attempt: record.attempt,
    retries: record.retries,
    ...{ priority: record.priority, user: record.user, place },
  };
}

/** A run as the store has it now. */
export function toWireRun(record: RunRecord, store: RunStore): Run {
  return toWireRuns([record], store)[0]!;
}

export function toWireRuns(
  records: readonly RunRecord[],
  store: RunStore,
): Run[] {
  const queue = queueOf(store.live());
  const places = new Map(queue.map(({ runId }, i) => [runId, i + 1]));
  return records.map((record) =>
    toWire(record, isWaiting(record) ? (places.get(record.runId) ?? 0) : 0),
  );
}
