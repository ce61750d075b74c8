import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { rngFrom } from '../data/rng.js';
import {
  drawTensor,
  type NamedHostTensors,
  type NamedTensors,
} from '../tensors.js';

/** Seeded normal values, for tests. */
export function randomTensor<T extends tf.Tensor>(
  shape: readonly number[],
  ...key: (number | string)[]
): T {
  const rng = rngFrom('test', ...key);
  const { data } = drawTensor(shape, () => rng.normal());
  return tf.tensor(data, [...shape]) as T;
}

/** The tensors on the current backend. */
export function onDevice(tensors: NamedHostTensors): NamedTensors {
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
    const dtype = data instanceof Int32Array ? 'int32' : 'float32';
    return [name, tf.tensor(data, [...shape], dtype)];
  });
  return Object.fromEntries(entries) as NamedTensors;
}

/** Every value is within `tolerance` of what is expected. */
export function expectClose(
  actual: tf.Tensor | ArrayLike<number>,
  expected: tf.Tensor | ArrayLike<number>,
  tolerance = 1e-5,
): void {
  const [a, b] = [actual, expected].map((values) =>
    values instanceof tf.Tensor ? values.dataSync() : values,
  ) as [ArrayLike<number>, ArrayLike<number>];
  expect(a.length).toBe(b.length);
  const worst = Math.max(
    ...Array.from(b, (value, i) => Math.abs(value - a[i]!)),
  );
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/**
 * Compares the gradient of `f` at `x` with central differences. The step is
 * wide because values are float32.
 */
export function expectGradient<T extends tf.Tensor>(
  f: (x: T) => tf.Scalar,
  x: T,
  tolerance = 2e-3,
  step = 1e-2,
): void {
  const gradient = tf
    .grad((input) => f(input as T))(x)
    .dataSync();
  const values = x.dataSync();
  const at = (index: number, offset: number) => {
    const moved = values.slice();
    moved[index]! += offset;
    return f(tf.tensor(moved, x.shape) as T).dataSync()[0]!;
  };
  const numeric = Array.from(
    values,
    (_, i) => (at(i, step) - at(i, -step)) / (2 * step),
  );
  const scale = Math.max(1, ...numeric.map(Math.abs));
  expectClose(gradient, numeric, tolerance * scale);
}
