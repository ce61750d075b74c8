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
  const [count, height, width, channels] = x.shape;
  const [outputs, perGroup] = weight.shape;
  const groups = channels / perGroup;
  const out: number[] = [];
  for (let n = 0; n < count; n++)
    for (let y = 0; y < height; y += stride)
      for (let column = 0; column < width; column += stride)
        for (const filter of kernel) {
          let sum = 0;
          const group = Math.floor((out.length % outputs) / (outputs / groups));
          filter.forEach((plane, channel) =>
            plane.forEach((line, dy) =>
              line.forEach((value, dx) => {
                const pixel =
                  image[n]![y + dy - margin]?.[column + dx - margin];
                sum += value * (pixel?.[group * perGroup + channel] ?? 0);
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

  it.each([
    [6, 1, 6, 2],
    [6, 3, 4, 1],
    [4, 1, 8, 1],
  ])(
    'has groups: %i channels, %i in a group, to %i at stride %i',
    (channels, perGroup, outputs, stride) => {
      const x = randomTensor<tf.Tensor4D>([2, 6, 4, channels], 'x');
      const shape = [outputs, perGroup, 3, 3];
      const weight = randomTensor<tf.Tensor4D>(shape, 'weight');
      const y = conv(x, weight, stride as 1 | 2);
      expectClose(y, asDefined(x, weight, stride), 1e-5);
      const mix = randomTensor(y.shape, 'mix');
      const by = (x: tf.Tensor, w: tf.Tensor) =>
        tf.sum<tf.Scalar>(
          tf.mul(conv(x as tf.Tensor4D, w, stride as 1 | 2), mix),
        );
      expectGradient((w) => by(x, w), weight);
      expectGradient((x) => by(x, weight), x);
    },
  );

  it('differentiates by its weight in torch layout', () => {
    const x = randomTensor<tf.Tensor4D>([1, 4, 4, 2], 'x');
    const weight = randomTensor<tf.Tensor4D>([2, 2, 3, 3], 'weight');
    const mix = randomTensor([1, 2, 2, 2], 'mix');
    expectGradient((w) => tf.sum(tf.mul(conv(x, w, 2), mix)), weight);
  });
});
