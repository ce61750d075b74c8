import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { rngFrom } from './data/rng.js';
import {
  initMemory,
  normalizerOf,
  scoresInMemory,
  updateMemory,
} from './sample-memory.js';
import { expectClose } from './testing/numeric.js';

const memory = tf.tensor2d([
  [1, 0],
  [0, 1],
  [0.6, 0.8],
]);

describe('sample memory', () => {
  it('starts with rows of length 1 in the mean', () => {
    const { shape, data } = initMemory(500, 12, rngFrom(0));
    expect(shape).toEqual([500, 12]);
    let squares = 0;
    for (const value of data) squares += value ** 2;
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
    const samples = tf.tensor1d([1], 'int32');
    const after = updateMemory(memory, samples, tf.tensor2d([[1, 0]]), 0.5);
    const half = Math.SQRT1_2; // between (0, 1) and (1, 0)
    expectClose(after, [1, 0, half, half, 0.6, 0.8], 1e-7);
    expect([...after.dataSync().slice(4)]).toEqual([
      ...memory.dataSync().slice(4),
    ]);
  });

  it('estimates its normaliser once', () => {
    const first = tf.tensor2d([[1, 3]]);
    const own = normalizerOf(tf.scalar(0), first, 10);
    expectClose(own, [20]);
    expectClose(normalizerOf(own, tf.tensor2d([[9, 9]]), 10), [20]);
  });
});
