import {
  decodeRows,
  firstNonFinite,
  type StoredRows,
} from '#distill/precision.js';
import {
  BatchShapeError,
  EmbeddingDimError,
  InvalidRequestError,
  ProjectionMismatchError,
  StaleEpochError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import type { Batch } from './feeder.js';
import { type QueueSpec, validateCount } from './queue-spec.js';

/** Rows of one step, all ranks: its delta has to fit one message of gRPC. */
const maxStepBytes = 32 * 2 ** 20;

/** A batch with what must fit the queue it is for. */
export interface Submission extends Batch {
  readonly epoch: number;
  readonly teacherDigest: string;
  /** Of the embeddings; not checked where the writer does not say. */
  readonly projectionSeed?: number;
  /** Width of the rows. */
  readonly featDim: number;
}

/** @throws what makes the batch not fit the queue */
export function validateSubmission(
  batch: Submission,
  { spec, epoch }: { readonly spec: QueueSpec; readonly epoch: number },
): void {
  if (batch.epoch !== epoch) {
    throw new StaleEpochError({ epoch: batch.epoch, current: epoch });
  }
  if (batch.teacherDigest !== spec.teacherDigest) {
    throw new TeacherMismatchError({
      source: 'the batch',
      expected: spec.teacherDigest,
      actual: batch.teacherDigest,
    });
  }
  const { projectionSeed = spec.projectionSeed } = batch;
  if (projectionSeed !== spec.projectionSeed) {
    throw new ProjectionMismatchError({
      expected: spec.projectionSeed,
      actual: projectionSeed,
    });
  }
  if (batch.featDim !== spec.featDim) {
    throw new EmbeddingDimError({
      field: 'rows',
      expected: `${spec.featDim} wide`,
      actual: `${batch.featDim} wide`,
    });
  }
  if (batch.rank >= spec.worldSize) {
    throw new InvalidRequestError({
      field: 'batch_id.rank',
      value: batch.rank,
      expected: `less than world_size ${spec.worldSize}`,
    });
  }
  const shareBytes = Math.floor(maxStepBytes / spec.worldSize);
  if (batch.rows.byteLength > shareBytes) {
    throw new InvalidRequestError({
      field: 'rows',
      value: `${batch.rows.byteLength} bytes`,
      expected: `at most ${shareBytes} a rank`,
    });
  }
  requireFinite(batch.rows, spec);
  if (spec.momentum !== undefined) validateOwners(batch, spec);
  else if (batch.slots) {
    const field = 'slots';
    const value = `${batch.slots.length} slots`;
    const expected = 'none: the queue is no memory of all samples';
    throw new InvalidRequestError({ field, value, expected });
  }
}

/** Each row has one sample, and no sample two rows. */
function validateOwners(
  { slots = [], rows, featDim }: Submission,
  { capacity }: QueueSpec,
): void {
  const count = rows.length / featDim;
  if (slots.length !== count) {
    throw new BatchShapeError({
      field: 'slots',
      expected: `${count}, one for each row`,
      actual: `${slots.length}`,
    });
  }
  validateSlots(slots, capacity);
  if (new Set(slots).size === count) return;
  const twice = slots.find((slot, i) => slots.indexOf(slot) !== i)!;
  const expected = 'each slot once';
  throw new InvalidRequestError({ field: 'slots', value: twice, expected });
}

/** @throws InvalidRequestError for a slot that the queue does not have */
export function validateSlots(
  slots: readonly number[],
  capacity: number,
): void {
  for (const slot of slots) validateCount('slots', slot, 0, capacity - 1);
}

/** @throws InvalidRequestError naming the first value that is NaN or infinite */
export function requireFinite(
  rows: StoredRows,
  { precision }: Pick<QueueSpec, 'precision'>,
): void {
  const at = firstNonFinite(rows, precision);
  if (at < 0) return;
  const [value] = decodeRows(rows.subarray(at, at + 1), precision);
  throw new InvalidRequestError({
    field: 'rows',
    value: `${value} at element ${at}`,
    expected: 'finite numbers',
  });
}
