import {
  NoWorkerError,
  rebuildError,
  ThreadLostError,
  WorkerLostError,
  type DomainError,
} from '#runtime/errors.js';
import {
  isHeld,
  isWaiting,
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
 *     pending --> preparing -> running <-> evaluating -> succeeded
 *                  ^    |         |            |      -> failed, cancelled
 *                  |    '---------+------------'
 *                  |              | worker lost, failure that passes, release
 *               resuming <--------+
 *                  ^              | release, where a user asked for it
 *                  '--- paused <--'
 */

export type StateEvent =
  /** What a worker says. */
  | RunEvent
  /** A user wants it stopped, stopped for now, going on. */
  | { readonly type: 'cancel-requested' }
  | { readonly type: 'pause-requested' }
  | { readonly type: 'resume-requested' }
  /** Its worker sent nothing for this long. */
  | { readonly type: 'worker-silent'; readonly silentMs: number }
  /** Nobody claimed it for this long. */
  | { readonly type: 'unclaimed'; readonly waitedMs: number }
  /** It is offered no more, since others go first or a limit is reached. */
  | { readonly type: 'withdrawn' }
  /** The work queue gave the attempt up: its takers died taking it. */
  | { readonly type: 'dropped'; readonly attempt: number };

export interface Outcome {
  readonly record: RunRecord;
  /** Workers to be told to stop. A waiting record is to be offered. */
  readonly stops: readonly StopRequest[];
}

export interface StatePolicy {
  /**
   * Workers that a run may lose, and failures that pass that it may have,
   * before it fails itself.
   */
  readonly maxAttempts: number;
  /** How long it waits for a worker that has what the others lack. */
  readonly unableTimeoutMs: number;
}

type Changes = Partial<RunRecord>;

export function transition(
  record: RunRecord,
  event: StateEvent,
  nowMs: number,
  policy: StatePolicy,
): Outcome {
  const next = (changes: Changes, stops: StopRequest[] = []) => ({
    record: { ...record, ...counted(record, changes), updatedMs: nowMs },
    stops,
  });
  const { phase, attempt } = record;
  switch (event.type) {
    case 'cancel-requested': {
      const stops = [stop(attempt, 'cancelled')];
      if (phase === 'paused') return next({ phase: 'cancelled' });
      if (isWaiting(record)) return next({ phase: 'cancelled' }, stops);
      if (!isHeld(record)) return unchanged(record);
      if (record.cancelRequested) return { record, stops };
      return next({ cancelRequested: true }, stops);
    }
    case 'pause-requested': {
      const stops = [stop(attempt, 'paused')];
      if (isWaiting(record)) {
        return next({ phase: 'paused' }, [stop(attempt, 'lease-lost')]);
      }
      if (!isHeld(record) || record.cancelRequested) return unchanged(record);
      if (record.pauseRequested) return { record, stops };
      return next({ pauseRequested: true }, stops);
    }
    case 'resume-requested':
      if (phase === 'paused' || phase === 'failed') {
        return next({
          ...offeredAgain(record),
          ...{ retries: 0, notBeforeMs: 0, declines: 0 },
        });
      }
      // Its worker lets go all the same, and finds that it may go on.
      if (record.pauseRequested) return next({ pauseRequested: false });
      return unchanged(record);
    case 'worker-silent':
      if (!isHeld(record)) return unchanged(record);
      return next(...afterLoss(record, event.silentMs, nowMs, policy));
    case 'unclaimed':
      if (!isWaiting(record)) return unchanged(record);
      return next(...giveUp(record, event.waitedMs));
    case 'withdrawn':
      if (!isWaiting(record)) return unchanged(record);
      return next({ attempt: attempt + 1 });
    case 'declined':
      if (!isWaiting(record) || event.attempt !== attempt)
        return unchanged(record);
      return next(passedOn(record, event.failure, nowMs, policy));
    case 'dropped':
      if (!isWaiting(record) || event.attempt !== attempt)
        return unchanged(record);
      return next(...giveUp(record, nowMs - record.updatedMs));
    case 'claimed':
    case 'running':
    case 'progress':
    case 'evaluating':
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'released':
      if (!speaksFor(event, record)) return dismiss(record, event);
      if (repeats(event, record)) return unchanged(record);
      return next({
        ...{ worker: event.worker, declines: 0 },
        ...reported(record, event, nowMs, policy),
      });
  }
}

/** Whether `event` comes from the run's owner, or from who becomes it now. */
export function speaksFor(event: RunEvent, record: RunRecord): boolean {
  if (event.attempt !== record.attempt) return false;
  if (isWaiting(record)) return true;
  return isHeld(record) && event.worker === record.worker;
}

function unchanged(record: RunRecord): Outcome {
  return { record, stops: [] };
}

function counted(before: RunRecord, changes: Changes): Changes {
  const { phase, attempt, transitions } = { ...before, ...changes };
  const isTransition = phase !== before.phase || attempt !== before.attempt;
  return isTransition ? { ...changes, transitions: transitions + 1 } : changes;
}

/** Repeated events are heartbeats. */
function repeats(event: RunEvent, record: RunRecord): boolean {
  const { type } = event;
  return (type === 'claimed' && !isWaiting(record)) || type === record.phase;
}

/** A worker's first word, whatever it is, makes it the owner. */
function reported(
  record: RunRecord,
  event: Exclude<RunEvent, { type: 'declined' }>,
  nowMs: number,
  policy: StatePolicy,
): Changes {
  switch (event.type) {
    case 'claimed':
      return { phase: 'preparing' };
    case 'progress':
      return { phase: phaseInProgress(record), progress: event.progress };
    case 'succeeded':
      return { phase: 'succeeded', result: event.result };
    case 'failed':
      return afterFailure(record, event.failure, nowMs, policy);
    case 'released':
      return letGo(record);
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
  const hasEnded = /^(succeeded|failed|cancelled|released)$/.test(event.type);
  if (hasEnded) return unchanged(record);
  const { attempt, worker } = event;
  const reason = record.phase === 'cancelled' ? 'cancelled' : 'lease-lost';
  return { record, stops: [{ attempt, worker, reason }] };
}

/** Its worker has it no more: as the user wants, or to the next worker. */
function letGo(record: RunRecord): Changes {
  if (record.cancelRequested) return { phase: 'cancelled' };
  if (!record.pauseRequested) return offeredAgain(record);
  return { phase: 'paused', worker: '', pauseRequested: false };
}

function offeredAgain({ attempt }: RunRecord): Changes {
  return { phase: 'resuming', worker: '', attempt: attempt + 1 };
}

function afterLoss(
  record: RunRecord,
  silentMs: number,
  nowMs: number,
  policy: StatePolicy,
): [Changes, StopRequest[]] {
  const { attempt, worker } = record;
  const reason = record.cancelRequested ? 'cancelled' : 'lease-lost';
  const failure = asFailure(new WorkerLostError({ worker, silentMs }));
  const changes = retried(record, failure, nowMs, policy);
  return [changes, [stop(attempt, reason)]];
}

function afterFailure(
  record: RunRecord,
  failure: RunFailure,
  nowMs: number,
  policy: StatePolicy,
): Changes {
  if (!passes(failure)) return { phase: 'failed', failure };
  return retried(record, failure, nowMs, policy);
}

/** Another worker goes on from the checkpoint, while the budget lasts. */
function retried(
  record: RunRecord,
  failure: RunFailure,
  nowMs: number,
  { maxAttempts }: StatePolicy,
): Changes {
  if (record.cancelRequested || record.pauseRequested) return letGo(record);
  const retries = record.retries + 1;
  if (retries >= maxAttempts) return { phase: 'failed', failure, retries };
  const notBeforeMs = nowMs + backoffMs(retries);
  return { ...letGo(record), failure, retries, notBeforeMs };
}

/** A worker lacks what the run needs: it costs nothing, others may have it. */
function passedOn(
  record: RunRecord,
  failure: RunFailure,
  nowMs: number,
  { unableTimeoutMs }: StatePolicy,
): Changes {
  const declines = record.declines + 1;
  const declinedMs = declines === 1 ? nowMs : record.declinedMs;
  const waited = { declines, declinedMs, failure };
  if (nowMs - declinedMs >= unableTimeoutMs)
    return { ...waited, phase: 'failed' };
  const notBeforeMs = nowMs + declinedBackoffMs(declines);
  return { ...waited, attempt: record.attempt + 1, notBeforeMs };
}

const quickDeclines = 8;
const longestDeclinedMs = 10_000;

/** At once to the next few workers, then 1, 2, 4, ... seconds later. */
function declinedBackoffMs(declines: number): number {
  if (declines <= quickDeclines) return 0;
  return Math.min(
    longestDeclinedMs,
    1_000 * 2 ** (declines - quickDeclines - 1),
  );
}

const longestBackoffMs = 60_000;

/** 0, 1, 2, 4, ... seconds: the first retry costs no time. */
function backoffMs(retries: number): number {
  if (retries === 1) return 0;
  return Math.min(longestBackoffMs, 1_000 * 2 ** (retries - 2));
}

/** Whether the same step may succeed later, or elsewhere. */
function passes({ reason, metadata }: RunFailure): boolean {
  const error = rebuildError(reason, metadata);
  if (error === undefined) return false;
  return (
    error.status === 'UNAVAILABLE' ||
    error.status === 'DEADLINE_EXCEEDED' ||
    error.retryAfterMs !== undefined ||
    error instanceof ThreadLostError
  );
}

function giveUp(
  { runId, attempt }: RunRecord,
  waitedMs: number,
): [Changes, StopRequest[]] {
  const failure = asFailure(new NoWorkerError({ runId, waitedMs }));
  return [{ phase: 'failed', failure }, [stop(attempt, 'lease-lost')]];
}

function stop(attempt: number, reason: StopRequest['reason']): StopRequest {
  return { attempt, reason };
}

function asFailure({ reason, message, metadata }: DomainError): RunFailure {
  return { reason, message, metadata: { ...metadata } };
}
