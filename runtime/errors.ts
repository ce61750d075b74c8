/**
 * Everything that can go wrong for a caller, one class each. A class has a
 * stable reason (what programs match on), a gRPC status, and string metadata
 * that survives the wire: the client rebuilds the very same class
 * (rpc/status.ts). Texts are for people; nobody matches on them.
 */

import {
  domainError,
  type DomainError,
  type ErrorMetadata,
} from './domain-error.js';
import { fileErrors } from './file-errors.js';
import { runErrors } from './run-errors.js';

export * from './file-errors.js';
export * from './run-errors.js';
export {
  DomainError,
  type ErrorMetadata,
  type ErrorStatus,
} from './domain-error.js';

// --- Bad input -------------------------------------------------------------

/** A tensor's shape, type or byte count is not what the field takes. */
export class BatchShapeError extends domainError<
  'field' | 'expected' | 'actual'
>({
  reason: 'BATCH_SHAPE',
  status: 'INVALID_ARGUMENT',
  text: (m) => `${m.field}: expected ${m.expected}, got ${m.actual}`,
}) {}

/** A request field has a value that the call does not take (also NaN rows). */
export class InvalidRequestError extends domainError<
  'field' | 'value' | 'expected'
>({
  reason: 'INVALID_REQUEST',
  status: 'INVALID_ARGUMENT',
  text: (m) => `${m.field} is ${m.value}, expected ${m.expected}`,
}) {}

/** An experiment or a service's settings do not make sense. `line` 0: unknown. */
export class ConfigInvalidError extends domainError<
  'source' | 'line' | 'field' | 'value' | 'expected'
>({
  reason: 'CONFIG_INVALID',
  status: 'INVALID_ARGUMENT',
  text: (m) =>
    `${m.source}${m.line === '0' ? '' : `:${m.line}`}: ${m.field} is ${m.value}, expected ${m.expected}`,
}) {}

// --- Not there, or there already ---------------------------------------------

export class ModelNotFoundError extends domainError<'model'>({
  reason: 'MODEL_NOT_FOUND',
  status: 'NOT_FOUND',
  text: (m) => `no model named ${m.model}`,
}) {}

export class DatasetNotFoundError extends domainError<'dataset'>({
  reason: 'DATASET_NOT_FOUND',
  status: 'NOT_FOUND',
  text: (m) => `no data set named ${m.dataset} is configured here`,
}) {}

export class QueueNotFoundError extends domainError<'queue'>({
  reason: 'QUEUE_NOT_FOUND',
  status: 'NOT_FOUND',
  text: (m) => `no queue named ${m.queue}`,
}) {}

export class QueueConflictError extends domainError<
  'queue' | 'field' | 'expected' | 'actual'
>({
  reason: 'QUEUE_CONFLICT',
  status: 'ALREADY_EXISTS',
  text: (m) =>
    `queue ${m.queue} exists with ${m.field} ${m.actual}, not ${m.expected}`,
}) {}

/** A batch id seen before, with other bytes. */
export class BatchConflictError extends domainError<'batchId'>({
  reason: 'BATCH_CONFLICT',
  status: 'ALREADY_EXISTS',
  text: (m) => `batch ${m.batchId} was enqueued before with other rows`,
}) {}

// --- The two ends do not belong together ---------------------------------------

/** A queue built for another embedding width or projection. */
export class EmbeddingDimError extends domainError<
  'field' | 'expected' | 'actual'
>({
  reason: 'EMBEDDING_DIM',
  status: 'FAILED_PRECONDITION',
  text: (m) =>
    `${m.field}: the queue is for ${m.expected}, the rows are ${m.actual}`,
}) {}

/** `source`: a replica's address, or whatever else has the other teacher. */
export class TeacherMismatchError extends domainError<
  'source' | 'expected' | 'actual'
>({
  reason: 'TEACHER_MISMATCH',
  status: 'FAILED_PRECONDITION',
  text: (m) => `${m.source} has teacher ${m.actual}, expected ${m.expected}`,
}) {}

export class DatasetMismatchError extends domainError<
  'dataset' | 'expected' | 'actual'
>({
  reason: 'DATASET_MISMATCH',
  status: 'FAILED_PRECONDITION',
  text: (m) =>
    `data set ${m.dataset} decodes to other pixels here (${m.actual}) than at the caller (${m.expected})`,
}) {}

/** A teacher's map has a value that the precision asked for cannot hold. */
export class MapOverflowError extends domainError<
  'map' | 'value' | 'precision'
>({
  reason: 'MAP_OVERFLOW',
  status: 'FAILED_PRECONDITION',
  text: (m) =>
    `${m.map} has the value ${m.value}, which is infinite in ${m.precision}: float32 holds it, bfloat16 most such`,
}) {}

/** A writer whose epoch has been superseded by a resumed run. */
export class StaleEpochError extends domainError<'epoch' | 'current'>({
  reason: 'STALE_EPOCH',
  status: 'FAILED_PRECONDITION',
  text: (m) => `epoch ${m.epoch} is superseded by ${m.current}`,
}) {}

/** A shared queue takes rows of the runs that have joined it only. */
export class RunNotJoinedError extends domainError<'queue' | 'run'>({
  reason: 'RUN_NOT_JOINED',
  status: 'FAILED_PRECONDITION',
  text: (m) => `run ${m.run} has not joined queue ${m.queue}, or has left it`,
}) {}

/** Rows of another projection do not belong among these. */
export class ProjectionMismatchError extends domainError<'expected' | 'actual'>(
  {
    reason: 'PROJECTION_MISMATCH',
    status: 'FAILED_PRECONDITION',
    text: (m) =>
      `rows of projection seed ${m.actual} where the queue holds ${m.expected}`,
  },
) {}

/** A mirror asked for versions that are no longer held: take a snapshot. */
export class VersionEvictedError extends domainError<
  'version' | 'oldestVersion'
>({
  reason: 'VERSION_EVICTED',
  status: 'OUT_OF_RANGE',
  text: (m) =>
    `version ${m.version} is gone, the oldest held is ${m.oldestVersion}`,
}) {}

/** The access rules of a server do not name the caller for this method. */
export class CallerNotAllowedError extends domainError<'caller' | 'method'>({
  reason: 'CALLER_NOT_ALLOWED',
  status: 'PERMISSION_DENIED',
  text: (m) => `${m.caller} may not call ${m.method}`,
}) {}

// --- Limits --------------------------------------------------------------------

export class TeacherOverloadedError extends domainError<'depth'>({
  reason: 'TEACHER_OVERLOADED',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `the teacher's batch queue is full (${m.depth} requests)`,
  retryAfterMs: 100,
}) {}

export class BankBacklogError extends domainError<'pendingSteps'>({
  reason: 'BANK_BACKLOG',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `${m.pendingSteps} steps are pending already`,
  retryAfterMs: 100,
}) {}

/** The bank's disk took no more; nothing was acknowledged that it lacks. */
export class BankStorageError extends domainError<'queue' | 'problem'>({
  reason: 'BANK_STORAGE',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `queue ${m.queue} cannot be written: ${m.problem}`,
  retryAfterMs: 1000,
}) {}

export class BankBytesError extends domainError<
  'requestedBytes' | 'limitBytes'
>({
  reason: 'BANK_BYTES',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) =>
    `the queue needs ${m.requestedBytes} bytes, ${m.limitBytes} are left`,
}) {}

/** A data set whose decoded pixels are more than a process may hold. */
export class DatasetBytesError extends domainError<
  'dataset' | 'requestedBytes' | 'limitBytes'
>({
  reason: 'DATASET_BYTES',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) =>
    `data set ${m.dataset} needs ${m.requestedBytes} bytes, the limit is ${m.limitBytes}`,
}) {}

export class BankQueuesError extends domainError<'limit'>({
  reason: 'BANK_QUEUES',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `the bank holds ${m.limit} queues already`,
}) {}

export class DeviceMemoryError extends domainError<'requestedBytes'>({
  reason: 'DEVICE_MEMORY',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `the device could not give ${m.requestedBytes} bytes`,
}) {}

// --- Availability ----------------------------------------------------------------

export class DrainingError extends domainError<'service'>({
  reason: 'DRAINING',
  status: 'UNAVAILABLE',
  text: (m) => `${m.service} is shutting down`,
  retryAfterMs: 200,
}) {}

/** A peer did not answer, through all retries, within its deadline. */
export class ServiceUnavailableError extends domainError<
  'service' | 'address' | 'waitedMs'
>({
  reason: 'SERVICE_UNAVAILABLE',
  status: 'UNAVAILABLE',
  text: (m) =>
    `${m.service} at ${m.address} did not answer within ${m.waitedMs} ms`,
}) {}

/** The answer did not come in the time that the caller gave. */
export class DeadlineExceededError extends domainError<
  'service' | 'method' | 'deadlineMs'
>({
  reason: 'DEADLINE_EXCEEDED',
  status: 'DEADLINE_EXCEEDED',
  text: (m) =>
    `${m.service} did not finish ${m.method} within ${m.deadlineMs} ms`,
}) {}

/** A failure that came without a reason we know, e.g. from a proxy. */
export class RemoteError extends domainError<
  'service' | 'method' | 'code' | 'details'
>({
  reason: 'REMOTE',
  status: 'INTERNAL',
  text: (m) => `${m.service} failed ${m.method} with ${m.code}: ${m.details}`,
}) {}

/** A worker thread of this process died with calls in flight, or was closed. */
export class ThreadLostError extends domainError<'thread' | 'problem'>({
  reason: 'THREAD_LOST',
  status: 'INTERNAL',
  text: (m) => `thread ${m.thread} is gone: ${m.problem}`,
}) {}

/** More calls into a worker thread than its owner allowed at a time. */
export class ThreadBusyError extends domainError<'thread' | 'calls'>({
  reason: 'THREAD_BUSY',
  status: 'RESOURCE_EXHAUSTED',
  text: (m) => `thread ${m.thread} has ${m.calls} calls in flight already`,
  retryAfterMs: 100,
}) {}

/** A run asks for more of a GPU than this worker's has. */
export class GpuMemoryError extends domainError<'neededGiB' | 'actualGiB'>({
  reason: 'GPU_MEMORY',
  status: 'FAILED_PRECONDITION',
  text: (m) =>
    `the run needs a GPU of ${m.neededGiB} GiB, this worker's has ${m.actualGiB}`,
}) {}

export class EngineUnavailableError extends domainError<'engine' | 'problem'>({
  reason: 'ENGINE_UNAVAILABLE',
  status: 'FAILED_PRECONDITION',
  text: (m) => `engine ${m.engine} cannot run here: ${m.problem}`,
}) {}

/** A compiling engine cannot say in its own terms what a program computes. */
export class KernelUnsupportedError extends domainError<
  'engine' | 'kernel' | 'problem'
>({
  reason: 'KERNEL_UNSUPPORTED',
  status: 'FAILED_PRECONDITION',
  text: (m) => `engine ${m.engine} cannot compile ${m.kernel}: ${m.problem}`,
}) {}

// --- Training --------------------------------------------------------------------

export class NonFiniteLossError extends domainError<'step' | 'lossTerm'>({
  reason: 'NON_FINITE_LOSS',
  status: 'INTERNAL',
  text: (m) => `the loss term ${m.lossTerm} is not finite at step ${m.step}`,
}) {}

/** Something we did not foresee. The cause stays in the server's log. */
export class InternalError extends domainError<never>({
  reason: 'INTERNAL',
  status: 'INTERNAL',
  text: () => 'internal error; the log of the service has the cause',
}) {}

/** Every class by its reason, for rebuilding an error from the wire. */
const classes = [
  ...fileErrors,
  ...runErrors,
  BatchShapeError,
  InvalidRequestError,
  ConfigInvalidError,
  ModelNotFoundError,
  DatasetNotFoundError,
  QueueNotFoundError,
  QueueConflictError,
  BatchConflictError,
  EmbeddingDimError,
  TeacherMismatchError,
  DatasetMismatchError,
  MapOverflowError,
  StaleEpochError,
  RunNotJoinedError,
  ProjectionMismatchError,
  VersionEvictedError,
  CallerNotAllowedError,
  TeacherOverloadedError,
  BankBacklogError,
  BankStorageError,
  BankBytesError,
  BankQueuesError,
  DatasetBytesError,
  DeviceMemoryError,
  DrainingError,
  ServiceUnavailableError,
  DeadlineExceededError,
  RemoteError,
  ThreadLostError,
  ThreadBusyError,
  GpuMemoryError,
  EngineUnavailableError,
  KernelUnsupportedError,
  NonFiniteLossError,
  InternalError,
];

type AnyErrorClass = new (fields: ErrorMetadata) => DomainError;

const classByReason: ReadonlyMap<string, AnyErrorClass> = new Map(
  classes.map((errorClass) => [errorClass.reason, errorClass as AnyErrorClass]),
);

/** The error that `reason` and `metadata` came from; undefined if unknown. */
export function rebuildError(
  reason: string,
  metadata: ErrorMetadata,
): DomainError | undefined {
  const errorClass = classByReason.get(reason);
  return errorClass && new errorClass(metadata);
}
