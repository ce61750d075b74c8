import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { sgd } from './optimiser.js';
import { expectClose } from './testing/numeric.js';

describe('sgd', () => {
  it('follows torch.optim.SGD over two steps', () => {
    // By hand: w = 1, g = 0.5 then -1, lr 0.1, momentum 0.9, weight decay 0.1.
    const options = { momentum: 0.9, weightDecay: 0.1 };
    const rate = tf.scalar(0.1);
    const [w0, v0] = [tf.tensor1d([1]), tf.tensor1d([0])];
    const step = (weight: tf.Tensor, velocity: tf.Tensor, slope: number) =>
      sgd(
        [{ weight, gradient: tf.tensor1d([slope]), velocity }],
        rate,
        options,
      )[0]!;
    const first = step(w0, v0, 0.5);
    expectClose(first.velocity, [0.6]); // 0.5 + 0.1 * 1
    expectClose(first.weight, [0.94]); // 1 - 0.1 * 0.6
    const second = step(first.weight, first.velocity, -1);
    expectClose(second.velocity, [-0.366]); // 0.9 * 0.6 - 1 + 0.1 * 0.94
    expectClose(second.weight, [0.9766]); // 0.94 + 0.1 * 0.366
  });
});
