import type { GetStatusResponse } from '#proto/rrd/v1/GetStatusResponse.js';
import type { RunPhase__Output } from '#proto/rrd/v1/RunPhase.js';
import type { RunEvent } from '#runtime/bus/run-events.js';
import type { Handlers } from '#runtime/rpc/server.js';
import type { StudentConfig } from '../config.js';
import type { StudentWorker } from '../worker.js';

const phases: Record<RunEvent['type'], RunPhase__Output> = {
  claimed: 'RUN_PHASE_PREPARING',
  running: 'RUN_PHASE_RUNNING',
  progress: 'RUN_PHASE_RUNNING',
  evaluating: 'RUN_PHASE_EVALUATING',
  succeeded: 'RUN_PHASE_SUCCEEDED',
  failed: 'RUN_PHASE_FAILED',
  cancelled: 'RUN_PHASE_CANCELLED',
  declined: 'RUN_PHASE_PENDING',
  released: 'RUN_PHASE_RESUMING',
};

/**
 * What the worker is doing, from what it said last; and the engine that its
 * run computes on, or that runs without a wish of their own will.
 */
export function getStatus(
  config: StudentConfig,
  held: () => StudentWorker['current'],
): Handlers<'rrd.v1.StudentService'>['getStatus'] {
  return async (): Promise<GetStatusResponse> => {
    const identity = { worker: config.worker, engine: config.engine };
    const current = held();
    if (!current) return identity;
    const { last, ...run } = current;
    const progress = last.type === 'progress' ? last.progress : null;
    return { ...identity, ...run, phase: phases[last.type], progress };
  };
}
