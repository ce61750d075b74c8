import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { conv } from './conv.js';

/** The definition: sum over a window of the zero-padded image. */
function asDefined(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  stride: number,
): number[] {
  const image = x.arraySync();
  const kernel = weight.arraySync();
  const size = weight.shape[2];
  const margin = (size - 1) / 2;
  const [count, height, width] = x.shape;
  const out: number[] = [];
  for (let n = 0; n < count; n++)
    for (let y = 0; y < height; y += stride)
      for (let column = 0; column < width; column += stride)
        for (const filter of kernel) {
          let sum = 0;
          filter.forEach((plane, channel) =>
            plane.forEach((line, dy) =>
              line.forEach((value, dx) => {
                const pixel =
                  image[n]![y + dy - margin]?.[column + dx - margin];
                sum += value * (pixel?.[channel] ?? 0);
              }),
            ),
          );
          out.push(sum);
        }
  return out;
}

describe('conv', () => {
  it.each([
    [3, 1],
    [3, 2],
    [1, 1],
    [1, 2],
  ] as const)(
    'is a torch convolution of size %i at stride %i',
    (size, stride) => {
      const x = randomTensor<tf.Tensor4D>([2, 6, 4, 3], 'x');
      const weight = randomTensor<tf.Tensor4D>([5, 3, size, size], 'weight');
      const y = conv(x, weight, stride);
      expect(y.shape).toEqual([2, 6 / stride, 4 / stride, 5]);
      expectClose(y, asDefined(x, weight, stride), 1e-5);
    },
  );

  it('differentiates by its weight in torch layout', () => {
    const x = randomTensor<tf.Tensor4D>([1, 4, 4, 2], 'x');
    const weight = randomTensor<tf.Tensor4D>([2, 2, 3, 3], 'weight');
    const mix = randomTensor([1, 2, 2, 2], 'mix');
    expectGradient((w) => tf.sum(tf.mul(conv(x, w, 2), mix)), weight);
  });
});
