import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../testing/numeric.js';
import { poolTo, poolToSmaller } from './pool.js';

const map = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 4, 1]);

describe('poolTo', () => {
  it('takes means over windows', () => {
    expectClose(poolTo(map, 1, 2), [3.5, 5.5]);
    expect(poolTo(map, 2, 4)).toBe(map);
  });

  it('refuses windows that do not fit', () => {
    expect(() => poolTo(map, 2, 3)).toThrow(RangeError);
  });
});

describe('poolToSmaller', () => {
  it('leaves the smaller map as it is', () => {
    const small = tf.ones<tf.Rank.R4>([1, 1, 1, 3]);
    const [a, b] = poolToSmaller(map, small);
    expectClose(a, [4.5]);
    expect(b).toBe(small);
  });
});
