import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { kl } from './kl.js';

const student = randomTensor<tf.Tensor2D>([4, 5], 'student');
const teacher = randomTensor<tf.Tensor2D>([4, 5], 'teacher');

describe('kl', () => {
  it('is what can be worked out by hand', () => {
    // Teacher (3/4, 1/4), student (1/2, 1/2), T = 1.
    const loss = kl(tf.tensor2d([[0, 0]]), tf.tensor2d([[Math.log(3), 0]]), 1);
    expectClose(loss, [0.75 * Math.log(1.5) + 0.25 * Math.log(0.5)], 1e-6);
  });

  it('is T^2 times the mean KL of the tempered distributions', () => {
    const tempered = tf.div<tf.Tensor2D>(student, 4);
    const soft = tf.div<tf.Tensor2D>(teacher, 4);
    expectClose(kl(student, teacher, 4), [
      16 * kl(tempered, soft, 1).dataSync()[0]!,
    ]);
  });

  it.each([1, 4])('agrees with finite differences at T = %i', (temperature) => {
    expectGradient((s) => kl(s, teacher, temperature), student);
  });

  it('does not change when all logits of a row rise', () => {
    const loss = kl(student, teacher, 4);
    expectClose(kl(tf.add<tf.Tensor2D>(student, 7), teacher, 4), loss, 1e-5);
    expectClose(kl(student, tf.sub<tf.Tensor2D>(teacher, 7), 4), loss, 1e-5);
  });

  it('gives the teacher no gradient', () => {
    expect(() =>
      tf.grad((t) => kl(student, t as tf.Tensor2D, 4))(teacher),
    ).toThrow();
  });

  it('is 0 without a gradient where both agree', () => {
    const { value, grad } = tf.valueAndGrad((s) =>
      kl(s as tf.Tensor2D, teacher, 4),
    )(teacher);
    expectClose(value, [0], 1e-6);
    expectClose(grad, new Float32Array(20), 1e-7);
  });

  it('stays finite at extreme logits', () => {
    const loss = kl(tf.tensor2d([[1e4, -1e4]]), tf.tensor2d([[-1e4, 1e4]]), 1);
    expectClose(loss, [2e4], 1e-2);
  });
});
