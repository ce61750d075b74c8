import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FifoQueue, type QueueOptions } from './queue.js';

const options: QueueOptions = {
  capacity: 4,
  featDim: 2,
  seed: 1,
  init: 'rows',
};

/** Rows [first, first], [first + 1, first + 1], ... of width 2. */
function numbered(first: number, count: number): Float32Array {
  return Float32Array.from({ length: 2 * count }, (_, i) => first + (i >> 1));
}

function firstColumn(queue: FifoQueue): number[] {
  return [...queue.rows].filter((_, i) => i % queue.featDim === 0);
}

function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

describe('FifoQueue', () => {
  it('starts full, at version 0, from its seed alone', () => {
    const queue = FifoQueue.create(options);
    expect(queue.version).toBe(0);
    expect(queue.pointer).toBe(0);
    expect(queue.rows).toEqual(FifoQueue.create(options).rows);
    const other = FifoQueue.create({ ...options, seed: 2 });
    expect(queue.rows).not.toEqual(other.rows);
  });

  it('normalises rows, or columns', () => {
    const size = { capacity: 6, featDim: 3 };
    const byRow = FifoQueue.create({ ...options, ...size }).rows;
    for (let row = 0; row < 6; row++) {
      expect(norm([...byRow.subarray(3 * row, 3 * row + 3)])).toBeCloseTo(1, 6);
    }
    const byColumn = FifoQueue.create({
      ...options,
      ...size,
      init: 'columns',
    }).rows;
    for (let column = 0; column < 3; column++) {
      const values = [...byColumn].filter((_, i) => i % 3 === column);
      expect(norm(values)).toBeCloseTo(1, 6);
    }
  });

  it('overwrites the oldest rows and wraps', () => {
    const queue = FifoQueue.create(options);
    expect(queue.enqueue(numbered(1, 3))).toBe(1);
    expect(queue.pointer).toBe(3);
    expect(queue.enqueue(numbered(4, 2))).toBe(2);
    expect(firstColumn(queue)).toEqual([5, 2, 3, 4]);
    expect(queue.pointer).toBe(1);
  });

  it('keeps the last rows of a batch larger than itself', () => {
    const queue = FifoQueue.create(options);
    queue.enqueue(numbered(1, 11));
    expect(firstColumn(queue)).toEqual([9, 10, 11, 8]);
    expect(queue.pointer).toBe(3);
    expect(queue.version).toBe(1);
  });

  it('equals a plain array of the newest rows, whatever the batches', () => {
    const batches = fc.array(fc.nat({ max: 13 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        batches,
        (capacity, sizes) => {
          const queue = FifoQueue.create({ ...options, capacity });
          let newest = firstColumn(queue);
          let next = 100;
          for (const size of sizes) {
            queue.enqueue(numbered(next, size));
            const added = Array.from({ length: size }, (_, i) => next + i);
            newest = [...newest, ...added].slice(-capacity);
            next += size;
          }
          const rows = firstColumn(queue);
          const oldestFirst = [
            ...rows.slice(queue.pointer),
            ...rows.slice(0, queue.pointer),
          ];
          expect(oldestFirst).toEqual(newest);
          expect(queue.version).toBe(sizes.length);
        },
      ),
    );
  });

  it('goes on from a snapshot as if nothing had happened', () => {
    const queue = FifoQueue.create(options);
    queue.enqueue(numbered(1, 3));
    const copy = FifoQueue.restore(queue.snapshot());
    queue.enqueue(numbered(4, 3));
    expect(copy.version).toBe(1);
    copy.enqueue(numbered(4, 3));
    expect(copy.snapshot()).toEqual(queue.snapshot());
  });

  it('follows commits, passing over those that it has', () => {
    const queue = FifoQueue.create(options);
    const commits = [1, 2, 3].map((version) => ({
      ...{ version, rows: numbered(version, 2) },
    }));
    queue.follow(commits.slice(0, 2));
    queue.follow(commits);
    const other = FifoQueue.create(options);
    for (const { rows } of commits) other.enqueue(rows);
    expect(queue.snapshot()).toEqual(other.snapshot());
    const gap = [{ version: 5, rows: numbered(5, 2) }];
    expect(() => queue.follow(gap)).toThrow(RangeError);
  });

  it('refuses what is not a whole number of rows', () => {
    const queue = FifoQueue.create(options);
    expect(() => queue.enqueue(new Float32Array(3))).toThrow(RangeError);
    expect(() => FifoQueue.create({ ...options, capacity: 0 })).toThrow(
      RangeError,
    );
    const snapshot = queue.snapshot();
    expect(() => FifoQueue.restore({ ...snapshot, pointer: 4 })).toThrow(
      RangeError,
    );
  });
});
