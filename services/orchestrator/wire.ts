import type { Run } from '#proto/rrd/v1/Run.js';
import type { RunPhase as WirePhase } from '#proto/rrd/v1/RunPhase.js';
import type { RunPhase, RunRecord } from './run-record.js';

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

export function toWireRun(record: RunRecord): Run {
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
  };
}
