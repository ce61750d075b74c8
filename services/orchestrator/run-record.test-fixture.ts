import { isHeld, type RunRecord } from './run-record.js';

/** A run as tests need it; in the hands of worker `w` where it is held. */
export function runRecord(more: Partial<RunRecord> = {}): RunRecord {
  const { phase = 'pending' } = more;
  return {
    ...{ runId: 'r', phase, experiment: { name: 'e' } },
    ...{ attempt: 1, worker: isHeld({ phase }) ? 'w' : '' },
    ...{ cancelRequested: false, pauseRequested: false },
    ...{ declines: 0, declinedMs: 0, priority: 0, user: '' },
    ...{ retries: 0, notBeforeMs: 0, transitions: 1 },
    ...{ createdMs: 1_000, updatedMs: 1_000, epoch: 1 },
    ...{ revision: 1, sequence: 0 },
    ...more,
  };
}
