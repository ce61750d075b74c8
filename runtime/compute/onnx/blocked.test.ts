import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { conv } from '#distill/ops/conv.js';
import type { HostTensor } from '#distill/tensors.js';
import { expectSame, numbers, withGradient } from './agreement.test.util.js';

type Case = [string, (...xs: tf.Tensor[]) => tf.Tensor, HostTensor[]];
const cases: Case[] = [];
const image4 = (x: tf.Tensor) => x as tf.Tensor4D;

// Channels in whole blocks: layouts and patterns of their own.
const wide = numbers([2, 6, 6, 16]);
const channels = numbers([16], 5);
const norm = (x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) =>
  tf.add(tf.mul(tf.sub(x, tf.mean(x, [0, 1, 2])), scale), shift);
const around = (x: tf.Tensor) =>
  tf.pad4d(image4(x), [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);

for (const [stride, size, from, to] of [
  [1, 3, 16, 32],
  [2, 3, 16, 16],
  [2, 1, 32, 16],
  [1, 3, 3, 16],
] as const) {
  cases.push([
    `conv, norm, relu: ${size}x${size}, stride ${stride}, ${from} to ${to}`,
    (x, w, scale, shift) => {
      const input = size === 1 ? image4(x) : around(x);
      const y = tf.conv2d(input, image4(w), stride, 'valid');
      return tf.relu(norm(tf.mul(y, 0.1), scale, shift));
    },
    [
      numbers([2, 6, 6, from]),
      numbers([size, size, from, to], 2),
      numbers([to], 3),
      numbers([to], 4),
    ],
  ]);
}
for (const [stride, size, from, perGroup, to] of [
  [1, 3, 16, 1, 16],
  [2, 3, 16, 1, 16],
  [2, 3, 6, 1, 6],
  [1, 3, 8, 4, 16],
  [2, 3, 16, 8, 32],
  [1, 1, 12, 4, 6],
] as const) {
  cases.push([
    `grouped conv: ${size}x${size}, stride ${stride}, ${from} to ${to} channels, ${perGroup} in a group`,
    (x, w) => tf.relu(conv(image4(x), w, stride)),
    [numbers([2, 7, 6, from]), numbers([to, perGroup, size, size], 2)],
  ]);
}
const mixed = (x: tf.Tensor, w: tf.Tensor) =>
  tf.conv2d(image4(x), image4(w), 1, 'same');
for (const [name, operation] of [
  ['a residual sum', (y, x, v) => tf.relu(tf.add(norm(y, v, v), x))],
  ['a difference of norms', (y, x, v) => tf.sub(norm(y, v, v), norm(x, v, v))],
  ['a vector less a tensor', (y, _, v) => tf.sub(v, tf.mul(y, v))],
  ['a mean over the image', (y, x, v) => tf.mul(tf.mean(y, [1, 2]), v)],
  ['a sum over channels', (y) => tf.sum(y, 3)],
  ['a slice', (y) => tf.slice(y, [0, 1, 2, 3], [2, 4, 3, 9])],
  ['a concat', (y, x) => tf.concat([y, x], 3)],
  ['a transpose', (y) => tf.transpose(y, [0, 3, 1, 2])],
  ['a reshape', (y) => tf.reshape(y, [2, 36, 16])],
  ['an image times samples', (y, x) => tf.mul(y, tf.mean(x, [1, 2], true))],
  ['an image times pixels', (y, x) => tf.mul(y, tf.mean(x, [0, 3], true))],
] as [string, (y: tf.Tensor, x: tf.Tensor, v: tf.Tensor) => tf.Tensor][]) {
  cases.push([
    `${name} behind a convolution`,
    (x, w, v) => tf.mul(operation(tf.mul(mixed(x, w), 0.1), x, v), tf.mean(v)),
    [wide, numbers([3, 3, 16, 16], 2), channels],
  ]);
}

describe('channels in whole blocks agree with the cpu engine', () => {
  it.each(cases)('%s', async (_, operation, inputs) => {
    await expectSame(withGradient(operation), inputs);
  });
});
