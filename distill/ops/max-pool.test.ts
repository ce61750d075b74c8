import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import { expectClose, randomTensor } from '../testing/numeric.js';
import { maxPool2, maxPool3 } from './max-pool.js';

it.each([
  [2, 4, 6, 3],
  [1, 5, 7, 2],
])('is TensorFlow.js’s own max pooling of [%i, %i, %i, %i]', (...shape) => {
  const x = randomTensor<tf.Tensor4D>(shape, 'images');
  const own = maxPool2(x);
  const other = tf.maxPool(x, 2, 2, 'valid');
  expect(own.shape).toEqual(other.shape);
  expect(own.dataSync()).toEqual(other.dataSync());
  const gradient = tf.grad((x) =>
    tf.sum(tf.square(maxPool2(x as tf.Tensor4D))),
  );
  const reference = tf.grad((x) =>
    tf.sum(tf.square(tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))),
  );
  expect(gradient(x).dataSync()).toEqual(reference(x).dataSync());
});

it('gives the gradient of equal values to the first', () => {
  const gradient = tf.grad((x) => tf.sum(maxPool2(x as tf.Tensor4D)));
  const x = tf.ones<tf.Rank.R4>([1, 2, 2, 1]);
  expect([...gradient(x).dataSync()]).toEqual([1, 0, 0, 0]);
});

it.each([
  [2, 4, 6, 3],
  [1, 5, 7, 2],
])('of three is TensorFlow.js’s own with padding, [%i, %i, %i, %i]', (...s) => {
  const x = randomTensor<tf.Tensor4D>(s, 'images');
  const own = maxPool3(x);
  const other = tf.maxPool(x, 3, 2, 1);
  expect(own.shape).toEqual(other.shape);
  expect(own.dataSync()).toEqual(other.dataSync());
  const gradient = tf.grad((x) =>
    tf.sum(tf.square(maxPool3(x as tf.Tensor4D))),
  );
  const reference = tf.grad((x) =>
    tf.sum(tf.square(tf.maxPool(x as tf.Tensor4D, 3, 2, 1))),
  );
  expectClose(gradient(x), reference(x).dataSync(), 1e-6);
});
