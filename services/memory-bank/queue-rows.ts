import {
  encodeRows,
  type Precision,
  type StoredRows,
  storedRows,
} from '#distill/precision.js';
import { FifoQueue, type QueueSnapshot } from '#distill/queue.js';
import { SampleMemory } from '#distill/sample-memory.js';
import type { Rows } from './feeder.js';
import type { QueueSpec } from './queue-spec.js';

/** A ring of the newest embeddings, or one embedding for each sample. */
export type QueueRows = FifoQueue<StoredRows> | SampleMemory;

/** The rows of a queue or memory, as they are held. */
export type StoredSnapshot = QueueSnapshot<StoredRows>;

/** Of which kind the rows are, and how they begin. */
export type RowsSpec = Pick<
  QueueSpec,
  'capacity' | 'featDim' | 'seed' | 'init' | 'momentum' | 'precision'
>;

/** Version 0, as the spec wants it. */
export function createRows({ init, ...spec }: RowsSpec): QueueRows {
  if (init === 'uniform') return SampleMemory.create(spec);
  const queue = FifoQueue.create({ ...spec, init });
  const rows = encodeRows(queue.rows, spec.precision);
  return FifoQueue.adopt<StoredRows>({ ...queue.place, rows });
}

/** Rows that go on from a snapshot, whose own they are from here on. */
export function adoptRows(
  { momentum }: RowsSpec,
  snapshot: StoredSnapshot,
): QueueRows {
  if (momentum === undefined) return FifoQueue.adopt(snapshot);
  return SampleMemory.adopt({ ...snapshot, rows: floats(snapshot.rows) });
}

/**
 * Commits a step as the next version.
 * @param batches of all ranks, in rank order
 * @returns what readers must put in their mirrors
 */
export function commitRows(
  queue: QueueRows,
  { momentum = 0, precision }: RowsSpec,
  batches: readonly Rows[],
): Rows {
  const parts = batches.map((batch) => batch.rows);
  const rows = concatenate(parts, precision);
  if (queue instanceof FifoQueue) {
    queue.enqueue(rows);
    return { rows };
  }
  const slots = batches.flatMap((batch) => batch.slots ?? []);
  return { rows: queue.move(slots, floats(rows), momentum), slots };
}

/** Of a memory of all samples, which holds no halves. */
function floats(rows: StoredRows): Float32Array {
  if (rows instanceof Float32Array) return rows;
  throw new RangeError('a memory of all samples is float32');
}

function concatenate(
  batches: readonly StoredRows[],
  precision: Precision,
): StoredRows {
  const [only] = batches;
  if (batches.length === 1 && only) return only;
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  const rows = storedRows(precision, length);
  let at = 0;
  for (const batch of batches) {
    rows.set(batch, at);
    at += batch.length;
  }
  return rows;
}
