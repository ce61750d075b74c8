import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FifoQueue } from '#distill/queue.js';
import type { Delta__Output } from '#proto/rrd/v1/Delta.js';
import type { SnapshotChunk__Output } from '#proto/rrd/v1/SnapshotChunk.js';
import type { SnapshotHeader__Output } from '#proto/rrd/v1/SnapshotHeader.js';
import { fromWire, toWire } from '../rpc/tensor-codec.js';
import { SnapshotReader } from './snapshot-reader.js';

const featDim = 2;
const capacity = 5;

const wireRows = (rows: Float32Array) =>
  toWire({ shape: [rows.length / featDim, featDim], data: rows });

/** The messages of a bank, as a client decodes them. */
function headerOf({ version, pointer }: FifoQueue) {
  const spec = { capacity, featDim, precision: 'DATA_TYPE_FLOAT32' };
  return { state: { spec, version, pointer } } as SnapshotHeader__Output;
}

function chunkOf({ rows }: FifoQueue, from: number, to: number) {
  const part = rows.slice(from * featDim, to * featDim);
  return {
    firstSlot: from,
    rows: wireRows(part),
  } as unknown as SnapshotChunk__Output;
}

describe('a snapshot that is cut off', () => {
  it('goes on where it was, whatever was committed meanwhile', () => {
    const commits = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), commits), {
          minLength: 1,
          maxLength: 5,
        }),
        (parts) => {
          const queue = FifoQueue.create({
            ...{ capacity, featDim, seed: 1, init: 'rows' as const },
          });
          const deltas: Delta__Output[] = [];
          let next = 0;
          const commit = (count: number) => {
            const rows = Float32Array.from(
              { length: count * featDim },
              () => next++,
            );
            const version = queue.enqueue(rows);
            deltas.push({
              ...{ version, slots: [], rows: wireRows(rows) },
            } as unknown as Delta__Output);
          };
          const reader = new SnapshotReader(featDim);
          for (const [chunk, meanwhile] of parts) {
            const { firstSlot = reader.rest ? capacity : 0 } =
              reader.rest ?? {};
            if (firstSlot < capacity) {
              reader.begin(headerOf(queue));
              const end = Math.min(firstSlot + chunk, capacity);
              reader.add(chunkOf(queue, firstSlot, end));
            }
            for (const count of meanwhile) commit(count);
          }
          const { firstSlot, fromVersion } = reader.rest!;
          if (firstSlot !== undefined) {
            reader.begin(headerOf(queue));
            reader.add(chunkOf(queue, firstSlot, capacity));
          }
          for (const delta of deltas)
            if (delta.version > fromVersion && !reader.snapshot)
              reader.follow(delta);
          // Whole at the version of its last header; the rest are commits.
          const { rows, ...place } = reader.snapshot!;
          const mirror = FifoQueue.adopt({ ...place, rows });
          for (const delta of deltas.slice(place.version))
            mirror.enqueue(
              fromWire(delta.rows, {
                ...{ field: 'rows', dataType: 'float32' as const },
                shape: [null, featDim],
              }).data,
            );
          expect(mirror.snapshot()).toEqual(queue.snapshot());
        },
      ),
    );
  });
});
