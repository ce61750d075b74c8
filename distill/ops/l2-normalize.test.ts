import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { l2Normalize } from './l2-normalize.js';

describe('l2Normalize', () => {
  it('gives rows length 1', () => {
    expectClose(
      l2Normalize(
        tf.tensor2d([
          [3, 4],
          [0, -2],
        ]),
      ),
      [0.6, 0.8, 0, -1],
    );
  });

  it('agrees with finite differences', () => {
    const z = randomTensor<tf.Tensor2D>([3, 4], 'z');
    const weights = randomTensor([3, 4], 'weights');
    expectGradient((x) => tf.sum(tf.mul(l2Normalize(x), weights)), z);
  });

  it('stays finite at zero, with a finite gradient', () => {
    const zero = tf.zeros<tf.Rank.R2>([1, 2]);
    expectClose(l2Normalize(zero), [0, 0]);
    const gradient = tf.grad((x) => tf.sum(l2Normalize(x as tf.Tensor2D)))(
      zero,
    );
    expectClose(gradient, [1e12, 1e12], 1e6);
  });
});
