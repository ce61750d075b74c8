import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { normalizerOf, SampleMemory, scoresInMemory } from './sample-memory.js';
import { expectClose } from './testing/numeric.js';

const memory = tf.tensor2d([
  [1, 0],
  [0, 1],
  [0.6, 0.8],
]);

describe('sample memory', () => {
  it('starts with rows of length 1 in the mean', () => {
    const options = { capacity: 500, featDim: 12, seed: 0 };
    const { rows, version } = SampleMemory.create(options);
    expect(rows).toHaveLength(500 * 12);
    expect(version).toBe(0);
    let squares = 0;
    for (const value of rows) squares += value ** 2;
    expect(squares / 500).toBeCloseTo(1, 1);
  });

  it('scores embeddings in the rows asked for', () => {
    const samples = tf.tensor2d([[2, 0]], [1, 2], 'int32');
    expectClose(
      scoresInMemory(memory, tf.tensor2d([[1, 2]]), samples),
      [2.2, 1],
    );
  });

  it('moves the rows of the batch and no others, bit by bit', () => {
    const rows = Float32Array.from(memory.dataSync());
    const bank = SampleMemory.adopt({ rows, featDim: 2, version: 4 });
    const others = rows.slice(4);
    const moved = bank.move([1], Float32Array.of(1, 0), 0.5);
    const half = Math.fround(Math.SQRT1_2); // between (0, 1) and (1, 0)
    expect([...moved]).toEqual([half, half]);
    expect([...bank.rows]).toEqual([1, 0, half, half, ...others]);
    expect(bank.version).toBe(5);
  });

  it('is mirrored by putting the moved rows in their places', () => {
    const rows = Float32Array.from(memory.dataSync());
    const start = { featDim: 2, version: 0 };
    const bank = SampleMemory.adopt({ ...start, rows: rows.slice() });
    const mirror = SampleMemory.adopt({ ...start, rows });
    const moved = bank.move([2, 0], Float32Array.of(1, 0, 0.6, 0.8), 0.25);
    mirror.put([2, 0], moved);
    expect(mirror.snapshot()).toEqual(bank.snapshot());
  });

  it('estimates its normaliser once', () => {
    const first = tf.tensor2d([[1, 3]]);
    const own = normalizerOf(tf.scalar(0), first, 10);
    expectClose(own, [20]);
    expectClose(normalizerOf(own, tf.tensor2d([[9, 9]]), 10), [20]);
  });
});
