import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../testing/numeric.js';
import { constant } from './constant.js';

describe('constant', () => {
  it('keeps the value and stops the gradient', () => {
    const x = tf.tensor1d([2, 3]);
    const f = (y: tf.Tensor) =>
      tf.sum<tf.Scalar>(
        tf.mul(
          y,
          constant(() => tf.square(y)),
        ),
      );
    const { value, grad } = tf.valueAndGrad(f)(x);
    expectClose(value, [35]); // x^3
    expectClose(grad, [4, 9]); // x^2, not 3 x^2
  });

  it('leaves nothing behind', () => {
    const x = tf.tensor1d([2, 3]);
    const before = tf.memory().numTensors;
    constant(() => tf.square(tf.add(x, 1))).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
