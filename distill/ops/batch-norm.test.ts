import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { batchNorm, type Tail } from './batch-norm.js';

const x = randomTensor<tf.Tensor4D>([3, 2, 2, 2], 'x');
const mix = randomTensor([3, 2, 2, 2], 'mix');

function layer(weight: number[], bias: number[]) {
  return {
    'bn.weight': tf.tensor1d(weight),
    'bn.bias': tf.tensor1d(bias),
    'bn.running_mean': tf.tensor1d([0.5, -0.5]),
    'bn.running_var': tf.tensor1d([4, 0.25]),
    'bn.num_batches_tracked': tf.scalar(7, 'int32'),
  };
}

const tensors = layer([1.5, -0.5], [0.25, 2]);

describe('batchNorm', () => {
  it('takes the batch to mean 0 and variance 1 before scale and shift', () => {
    const { output } = batchNorm(x, layer([1, 1], [0, 0]), 'bn', 'train');
    const { mean, variance } = tf.moments(output, [0, 1, 2]);
    expectClose(mean, [0, 0], 1e-6);
    expectClose(variance, [1, 1], 1e-4);
  });

  it('updates running statistics, the variance unbiased', () => {
    const { buffers } = batchNorm(x, tensors, 'bn', 'train');
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const [m, v] = [mean.dataSync(), variance.dataSync()];
    const unbiased = [v[0]! * (12 / 11), v[1]! * (12 / 11)];
    expectClose(buffers['bn.running_mean']!, [
      0.45 + 0.1 * m[0]!,
      -0.45 + 0.1 * m[1]!,
    ]);
    expectClose(buffers['bn.running_var']!, [
      3.6 + 0.1 * unbiased[0]!,
      0.225 + 0.1 * unbiased[1]!,
    ]);
    expect(buffers['bn.num_batches_tracked']!.dtype).toBe('int32');
    expectClose(buffers['bn.num_batches_tracked']!, [8], 0);
  });

  it('uses the running statistics in eval mode and leaves them', () => {
    const one = tf.ones<tf.Rank.R4>([1, 1, 1, 2]);
    const { output, buffers } = batchNorm(one, tensors, 'bn', 'eval');
    const expected = [
      (0.5 / Math.sqrt(4 + 1e-5)) * 1.5 + 0.25,
      (1.5 / Math.sqrt(0.25 + 1e-5)) * -0.5 + 2,
    ];
    expectClose(output, expected, 1e-5);
    expect(buffers).toEqual({});
  });

  describe.each(['train', 'eval'] as const)('in %s mode', (mode) => {
    const lossOf = (input: tf.Tensor4D, own: typeof tensors) =>
      tf.sum<tf.Scalar>(tf.mul(batchNorm(input, own, 'bn', mode).output, mix));

    it('agrees with finite differences by input, weight and bias', () => {
      expectGradient((input) => lossOf(input, tensors), x);
      const { 'bn.weight': weight, 'bn.bias': bias } = tensors;
      expectGradient((w) => lossOf(x, { ...tensors, 'bn.weight': w }), weight);
      expectGradient((b) => lossOf(x, { ...tensors, 'bn.bias': b }), bias);
    });
  });

  describe.each(['train', 'eval'] as const)(
    'with a tail, in %s mode',
    (mode) => {
      const residual = randomTensor<tf.Tensor4D>([3, 2, 2, 2], 'residual');
      const norm = (input: tf.Tensor4D, tail?: Tail) =>
        batchNorm(input, tensors, 'bn', mode, tail).output;
      const gradients = (
        f: (input: tf.Tensor4D, own: tf.Tensor4D) => tf.Tensor,
      ) =>
        tf.grads((input: tf.Tensor, own: tf.Tensor) =>
          tf.mul(f(input as tf.Tensor4D, own as tf.Tensor4D), mix),
        )([x, residual]);

      it('is that norm, the residual and ReLU', () => {
        expectClose(norm(x, { relu: true }), tf.relu(norm(x)));
        const sum = tf.add(norm(x), residual);
        expectClose(norm(x, { relu: true, residual }), tf.relu(sum));
      });

      it('has their gradient, by the residual too', () => {
        const fused = gradients((input, own) =>
          norm(input, { relu: true, residual: own }),
        );
        const apart = gradients((input, own) =>
          tf.relu(tf.add(norm(input), own)),
        );
        for (const [i, gradient] of apart.entries())
          expectClose(fused[i]!, gradient);
        const [rectified] = tf.grads((input: tf.Tensor) =>
          tf.mul(norm(input as tf.Tensor4D, { relu: true }), mix),
        )([x]);
        const [expected] = tf.grads((input: tf.Tensor) =>
          tf.mul(tf.relu(norm(input as tf.Tensor4D)), mix),
        )([x]);
        expectClose(rectified!, expected!);
      });
    },
  );

  it('refuses a batch with one value per channel', () => {
    const single = tf.ones<tf.Rank.R4>([1, 1, 1, 2]);
    expect(() => batchNorm(single, tensors, 'bn', 'train')).toThrow(RangeError);
  });
});
