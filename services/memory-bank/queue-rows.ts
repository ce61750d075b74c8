import { FifoQueue, type QueueSnapshot } from '#distill/queue.js';
import { SampleMemory } from '#distill/sample-memory.js';
import type { Rows } from './feeder.js';
import type { QueueSpec } from './queue-spec.js';

/** A ring of the newest embeddings, or one embedding for each sample. */
export type QueueRows = FifoQueue | SampleMemory;

/** Of which kind the rows are, and how they begin. */
export type RowsSpec = Pick<
  QueueSpec,
  'capacity' | 'featDim' | 'seed' | 'init' | 'momentum'
>;

/** Version 0, as the spec wants it. */
export function createRows({ init, ...spec }: RowsSpec): QueueRows {
  if (init === 'uniform') return SampleMemory.create(spec);
  return FifoQueue.create({ ...spec, init });
}

/** Rows that go on from a snapshot, whose own they are from here on. */
export function adoptRows(
  { momentum }: RowsSpec,
  snapshot: QueueSnapshot,
): QueueRows {
  if (momentum === undefined) return FifoQueue.adopt(snapshot);
  return SampleMemory.adopt(snapshot);
}

/**
 * Commits a step as the next version.
 * @param batches of all ranks, in rank order
 * @returns what readers must put in their mirrors
 */
export function commitRows(
  queue: QueueRows,
  { momentum = 0 }: RowsSpec,
  batches: readonly Rows[],
): Rows {
  const rows = concatenate(batches.map((batch) => batch.rows));
  if (queue instanceof FifoQueue) {
    queue.enqueue(rows);
    return { rows };
  }
  const slots = batches.flatMap((batch) => batch.slots ?? []);
  return { rows: queue.move(slots, rows, momentum), slots };
}

function concatenate(batches: readonly Float32Array[]): Float32Array {
  const [only] = batches;
  if (batches.length === 1 && only) return only;
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  const rows = new Float32Array(length);
  let at = 0;
  for (const batch of batches) {
    rows.set(batch, at);
    at += batch.length;
  }
  return rows;
}
