import { domainError } from './domain-error.js';

/** What can go wrong around runs, their workers and the bus; see errors.ts. */

export class RunNotFoundError extends domainError<'runId'>({
  reason: 'RUN_NOT_FOUND',
  status: 'NOT_FOUND',
  text: (m) => `no run named ${m.runId}`,
}) {}

export class RunAlreadyExistsError extends domainError<'runId'>({
  reason: 'RUN_ALREADY_EXISTS',
  status: 'ALREADY_EXISTS',
  text: (m) => `run ${m.runId} exists with another experiment`,
}) {}

/** A bus record changed under the writer's feet, or exists already. */
export class RecordConflictError extends domainError<'key'>({
  reason: 'RECORD_CONFLICT',
  status: 'ABORTED',
  text: (m) => `record ${m.key} was changed by another writer`,
}) {}

/** The folder of a bus's records took no more; what it had is still there. */
export class RecordsStorageError extends domainError<'path' | 'problem'>({
  reason: 'RECORDS_STORAGE',
  status: 'UNAVAILABLE',
  text: (m) => `the records in ${m.path} cannot be written: ${m.problem}`,
}) {}

/** The lease of a run moved to another worker; stop. */
export class LeaseLostError extends domainError<'runId' | 'epoch'>({
  reason: 'LEASE_LOST',
  status: 'ABORTED',
  text: (m) => `the lease on run ${m.runId} (epoch ${m.epoch}) was lost`,
}) {}

/**
 * This orchestrator does not own the runs. `leader` is the address of the one
 * that does; empty while none is known, as between two of them.
 */
export class NotLeaderError extends domainError<'leader'>({
  reason: 'NOT_LEADER',
  status: 'UNAVAILABLE',
  text: (m) =>
    m.leader === ''
      ? 'no orchestrator leads at the moment'
      : `this orchestrator does not lead; the one at ${m.leader} does`,
  retryAfterMs: 200,
}) {}

/** A bounded queue of the control plane holds as much as it may. */
export class BusFullError extends domainError<'queue' | 'limit'>({
  reason: 'BUS_FULL',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `${m.queue} is full (${m.limit})`,
}) {}

/** A worker stopped sending heartbeats. */
export class WorkerLostError extends domainError<'worker' | 'silentMs'>({
  reason: 'WORKER_LOST',
  status: 'UNAVAILABLE',
  text: (m) => `worker ${m.worker} was silent for ${m.silentMs} ms`,
}) {}

/** Nobody took a run off the queue. */
export class NoWorkerError extends domainError<'runId' | 'waitedMs'>({
  reason: 'NO_WORKER',
  status: 'UNAVAILABLE',
  text: (m) => `no worker took run ${m.runId} within ${m.waitedMs} ms`,
}) {}

/** A deliberate stop asked for by a user; not a failure of any part. */
export class RunCancelledError extends domainError<'runId'>({
  reason: 'RUN_CANCELLED',
  status: 'CANCELLED',
  text: (m) => `run ${m.runId} was cancelled`,
}) {}

/** A worker let go of a run behind a checkpoint: it goes on later. */
export class RunReleasedError extends domainError<'runId'>({
  reason: 'RUN_RELEASED',
  status: 'ABORTED',
  text: (m) => `run ${m.runId} was released, to go on from its checkpoint`,
}) {}

/** A worker was asked about ranks of a run that it does not hold. */
export class GroupNotFoundError extends domainError<'runId' | 'attempt'>({
  reason: 'GROUP_NOT_FOUND',
  status: 'NOT_FOUND',
  text: (m) => `attempt ${m.attempt} at run ${m.runId} is not held here`,
}) {}

/** A worker whose results would differ from those of the run's chief. */
export class ReplicaMismatchError extends domainError<
  'field' | 'expected' | 'actual'
>({
  reason: 'REPLICA_MISMATCH',
  status: 'FAILED_PRECONDITION',
  text: (m) => `${m.field} is ${m.actual}, the chief has ${m.expected}`,
}) {}

/** Two workers of a run have other weights after the same step. */
export class ReplicaDivergedError extends domainError<
  'worker' | 'step' | 'expected' | 'actual'
>({
  reason: 'REPLICA_DIVERGED',
  status: 'DATA_LOSS',
  text: (m) =>
    `after ${m.step} steps the weights of worker ${m.worker} are ${m.actual}, those of the chief ${m.expected}`,
}) {}

/** The ranks of a run were dealt again since. */
export class StaleGenerationError extends domainError<'generation' | 'current'>(
  {
    reason: 'STALE_GENERATION',
    status: 'FAILED_PRECONDITION',
    text: (m) => `generation ${m.generation} is over, ${m.current} is current`,
  },
) {}

/** A worker of the run came or went: the step is to be taken again. */
export class MembersChangedError extends domainError<'generation' | 'problem'>({
  reason: 'MEMBERS_CHANGED',
  status: 'ABORTED',
  text: (m) => `generation ${m.generation} is over: ${m.problem}`,
}) {}

/** All of the above, for rebuilding them from the wire. */
export const runErrors = [
  RunNotFoundError,
  RunAlreadyExistsError,
  RecordConflictError,
  RecordsStorageError,
  LeaseLostError,
  NotLeaderError,
  BusFullError,
  WorkerLostError,
  NoWorkerError,
  RunCancelledError,
  RunReleasedError,
  GroupNotFoundError,
  ReplicaMismatchError,
  ReplicaDivergedError,
  StaleGenerationError,
  MembersChangedError,
];
