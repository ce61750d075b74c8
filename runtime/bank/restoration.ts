import { encodeRows } from '#distill/precision.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { QueueSpec } from '#proto/rrd/v1/QueueSpec.js';
import type { RestoreQueueRequest } from '#proto/rrd/v1/RestoreQueueRequest.js';
import { toWireRows } from './wire-rows.js';
import { fromWirePrecision } from '../rpc/wire-precision.js';

/** Rows travel in chunks of about this size. */
const chunkBytes = 2 ** 20;

/** A queue as RestoreQueue takes it. */
export interface RestoredQueue {
  readonly spec: QueueSpec;
  readonly epoch: number;
  readonly queue: QueueSnapshot;
  /** The step that runs go on with. */
  readonly step: number;
}

/**
 * The messages of RestoreQueue: one header, then all rows, rounded to the
 * queue's precision if they are not yet.
 */
export async function* restoration({
  spec,
  epoch,
  queue,
  step,
}: RestoredQueue): AsyncGenerator<RestoreQueueRequest> {
  const { rows, featDim, pointer, version } = queue;
  const precision = fromWirePrecision(spec.precision);
  yield { header: { spec, epoch, version, pointer, nextStep: step } };
  const rowsPerChunk = Math.max(1, Math.floor(chunkBytes / (4 * featDim)));
  for (let at = 0; at < rows.length; at += rowsPerChunk * featDim) {
    const part = rows.subarray(at, at + rowsPerChunk * featDim);
    const stored = encodeRows(part, precision);
    yield { chunk: toWireRows(stored, { featDim, precision }) };
  }
}
