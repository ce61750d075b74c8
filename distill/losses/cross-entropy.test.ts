import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { crossEntropy } from './cross-entropy.js';

const labels = tf.tensor1d([2, 0, 1], 'int32');

describe('crossEntropy', () => {
  it('is what can be worked out by hand', () => {
    const logits = tf.tensor2d([
      [Math.log(3), 0],
      [0, 0],
    ]);
    const loss = crossEntropy(logits, tf.tensor1d([0, 1], 'int32'));
    expectClose(loss, [(-Math.log(0.75) - Math.log(0.5)) / 2], 1e-6);
  });

  it('agrees with finite differences', () => {
    const logits = randomTensor<tf.Tensor2D>([3, 4], 'logits');
    expectGradient((x) => crossEntropy(x, labels), logits);
  });

  it('does not depend on the order of the batch', () => {
    const logits = randomTensor<tf.Tensor2D>([3, 4], 'logits');
    const reversed = crossEntropy(tf.reverse(logits, 0), tf.reverse(labels, 0));
    expectClose(reversed, crossEntropy(logits, labels), 1e-6);
  });

  it('goes to 0 when certain and right, and stays finite when wrong', () => {
    const one = tf.tensor1d([0], 'int32');
    expectClose(crossEntropy(tf.tensor2d([[1e4, 0]]), one), [0], 1e-6);
    expectClose(crossEntropy(tf.tensor2d([[0, 1e4]]), one), [1e4], 1e-2);
  });
});
