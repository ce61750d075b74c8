import {
  NoWorkerError,
  WorkerLostError,
  type DomainError,
} from '#runtime/errors.js';
import {
  isFinal,
  type RunEvent,
  type RunFailure,
  type RunPhase,
  type RunRecord,
  type StopRequest,
} from './run-record.js';

/**
 * The life of a run as a pure function: (record, event, now) to the next
 * record and who is to be told to stop. An event that changes nothing
 * returns the very same record.
 *
 *     pending -> preparing -> running <-> evaluating -> succeeded
 *        ^           |           |            |      -> failed
 *        '-----------+-----------+------------'      -> cancelled
 *           (worker lost, attempt + 1)
 */

export type StateEvent =
  /** What a worker says. */
  | RunEvent
  /** A user wants it stopped. */
  | { readonly type: 'cancel-requested' }
  /** Its worker sent nothing for this long. */
  | { readonly type: 'worker-silent'; readonly silentMs: number }
  /** Nobody claimed it for this long. */
  | { readonly type: 'unclaimed'; readonly waitedMs: number }
  /** The work queue gave the attempt up: its takers died taking it. */
  | { readonly type: 'dropped'; readonly attempt: number };

export interface Outcome {
  readonly record: RunRecord;
  /** Workers to be told to stop. A pending record is to be offered. */
  readonly stops: readonly StopRequest[];
}

export interface StatePolicy {
  /** How many owners a run may have before it fails as WORKER_LOST. */
  readonly maxAttempts: number;
}

export function transition(
  record: RunRecord,
  event: StateEvent,
  nowMs: number,
  policy: StatePolicy,
): Outcome {
  const next = (changes: Partial<RunRecord>, stops: StopRequest[] = []) => ({
    record: { ...record, ...changes, updatedMs: nowMs },
    stops,
  });
  const isPending = record.phase === 'pending';
  const isHeld = !isPending && !isFinal(record);
  switch (event.type) {
    case 'cancel-requested': {
      const stops = [stop(record.attempt, 'cancelled')];
      if (isPending) return next({ phase: 'cancelled' }, stops);
      if (!isHeld) return unchanged(record);
      if (record.cancelRequested) return { record, stops };
      return next({ cancelRequested: true }, stops);
    }
    case 'worker-silent':
      if (!isHeld) return unchanged(record);
      return next(...afterLoss(record, event.silentMs, policy));
    case 'unclaimed':
      if (!isPending) return unchanged(record);
      return next(...giveUp(record, event.waitedMs));
    case 'dropped':
      if (!isPending || event.attempt !== record.attempt)
        return unchanged(record);
      return next(...giveUp(record, nowMs - record.updatedMs));
    case 'claimed':
    case 'running':
    case 'progress':
    case 'evaluating':
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      if (!speaksFor(event, record)) return dismiss(record, event);
      if (repeats(event, record)) return unchanged(record);
      return next({ worker: event.worker, ...reported(record, event) });
  }
}

/** Whether `event` comes from the run's owner, or from who becomes it now. */
export function speaksFor(event: RunEvent, record: RunRecord): boolean {
  return (
    !isFinal(record) &&
    event.attempt === record.attempt &&
    (record.phase === 'pending' || event.worker === record.worker)
  );
}

function unchanged(record: RunRecord): Outcome {
  return { record, stops: [] };
}

/** Repeated events are heartbeats. */
function repeats(event: RunEvent, { phase }: RunRecord): boolean {
  return (
    (event.type === 'claimed' && phase !== 'pending') || event.type === phase
  );
}

/** A worker's first word, whatever it is, makes it the owner. */
function reported(record: RunRecord, event: RunEvent): Partial<RunRecord> {
  switch (event.type) {
    case 'claimed':
      return { phase: 'preparing' };
    case 'progress':
      return { phase: phaseInProgress(record), progress: event.progress };
    case 'succeeded':
      return { phase: 'succeeded', result: event.result };
    case 'failed':
      return { phase: 'failed', failure: event.failure };
    case 'running':
    case 'evaluating':
    case 'cancelled':
      return { phase: event.type };
  }
}

function phaseInProgress({ phase }: RunRecord): RunPhase {
  return phase === 'evaluating' ? phase : 'running';
}

/** Who works on what is not theirs (any more) is told to stop. */
function dismiss(record: RunRecord, event: RunEvent): Outcome {
  const hasEnded = /^(succeeded|failed|cancelled)$/.test(event.type);
  if (hasEnded) return unchanged(record);
  const { attempt, worker } = event;
  const reason = record.phase === 'cancelled' ? 'cancelled' : 'lease-lost';
  return { record, stops: [{ attempt, worker, reason }] };
}

function afterLoss(
  record: RunRecord,
  silentMs: number,
  { maxAttempts }: StatePolicy,
): [Partial<RunRecord>, StopRequest[]] {
  const { attempt, worker } = record;
  if (record.cancelRequested) {
    return [{ phase: 'cancelled' }, [stop(attempt, 'cancelled')]];
  }
  const farewell = stop(attempt, 'lease-lost');
  if (attempt < maxAttempts) {
    return [{ phase: 'pending', worker: '', attempt: attempt + 1 }, [farewell]];
  }
  const failure = asFailure(new WorkerLostError({ worker, silentMs }));
  return [{ phase: 'failed', failure }, [farewell]];
}

function giveUp(
  { runId, attempt }: RunRecord,
  waitedMs: number,
): [Partial<RunRecord>, StopRequest[]] {
  const failure = asFailure(new NoWorkerError({ runId, waitedMs }));
  return [{ phase: 'failed', failure }, [stop(attempt, 'lease-lost')]];
}

function stop(attempt: number, reason: StopRequest['reason']): StopRequest {
  return { attempt, reason };
}

function asFailure({ reason, message, metadata }: DomainError): RunFailure {
  return { reason, message, metadata: { ...metadata } };
}
