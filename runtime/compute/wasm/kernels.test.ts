import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { sizeOf } from '#distill/tensors.js';
import { cpuProvider } from '../cpu.js';
import type { Engine } from '../engine.js';
import { wasmProvider } from './index.js';

const engines: Engine[] = [];

beforeAll(async () => {
  engines.push(await cpuProvider.create(), await wasmProvider.create());
});
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

/** Noise that is the same on both backends. */
function noise(...shape: number[]): tf.Tensor {
  const rng = rngFrom(1, ...shape);
  const draw = () => rng.normal();
  return tf.tensor(Array.from({ length: sizeOf(shape) }, draw), shape);
}

async function valuesOn(backend: string, make: () => tf.Tensor[]) {
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  const tensors = tf.tidy(make);
  const values = tensors.map((tensor) => ({
    shape: tensor.shape,
    dtype: tensor.dtype,
    values: Array.from(tensor.dataSync()),
  }));
  tf.dispose(tensors);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

/** What `make` makes on wasm equals what it makes on cpu, to 1e-5. */
async function expectSame(make: () => tf.Tensor[]): Promise<void> {
  const expected = await valuesOn('cpu', make);
  const actual = await valuesOn('wasm', make);
  const close = expected.map(({ values, ...rest }) => ({
    ...rest,
    values: values.map((value) => expect.closeTo(value, 4) as number),
  }));
  expect(actual).toEqual(close);
}

function convGradients(
  height: number,
  width: number,
  size: number,
  stride: number,
  pad: 'same' | 'valid',
): tf.Tensor[] {
  const x = noise(2, height, width, 3);
  const filter = noise(size, size, 3, 5);
  const conv = (x: tf.Tensor, filter: tf.Tensor) =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
  const dy = noise(...conv(x, filter).shape) as tf.Tensor4D;
  return tf.grads(conv)([x, filter], dy);
}

describe('gradients of a convolution on wasm', () => {
  it.each([
    [8, 8, 3, 1, 'same'],
    [8, 8, 3, 1, 'valid'],
    [10, 10, 3, 2, 'valid'],
    [8, 8, 3, 2, 'same'],
    [9, 7, 3, 2, 'same'],
    [8, 6, 1, 1, 'same'],
    [8, 6, 1, 2, 'valid'],
    [7, 9, 1, 2, 'valid'],
    [11, 12, 5, 3, 'valid'],
    [9, 9, 2, 1, 'same'],
    [7, 7, 7, 1, 'valid'],
  ] as const)(
    'equal those on cpu: %i x %i, filter %i, stride %i, %s',
    async (height, width, size, stride, pad) => {
      await expectSame(() => convGradients(height, width, size, stride, pad));
    },
  );
});

describe('gradients of a depthwise convolution on wasm', () => {
  it.each([
    [8, 8, 3, 1, 'same'],
    [8, 7, 3, 1, 'valid'],
    [10, 10, 3, 2, 'valid'],
    [9, 7, 3, 2, 'same'],
    [11, 12, 5, 3, 'valid'],
  ] as const)(
    'equal those on cpu: %i x %i, filter %i, stride %i, %s',
    async (height, width, size, stride, pad) => {
      await expectSame(() => {
        const x = noise(2, height, width, 3);
        const filter = noise(size, size, 3, 1);
        const conv = (x: tf.Tensor, filter: tf.Tensor) =>
          tf.depthwiseConv2d(
            x as tf.Tensor4D,
            filter as tf.Tensor4D,
            stride,
            pad,
          );
        const dy = noise(...conv(x, filter).shape) as tf.Tensor4D;
        return tf.grads(conv)([x, filter], dy);
      });
    },
  );
});

describe('matrix products on wasm', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('equal those on cpu, transposed %s and %s', async (left, right) => {
    const shape = (rows: number, columns: number, transposed: boolean) =>
      transposed ? [columns, rows] : [rows, columns];
    await expectSame(() => {
      const a = noise(...shape(3, 4, left));
      const b = noise(...shape(4, 6, right));
      const wide = noise(...shape(4, 2, right));
      const batch = noise(2, ...shape(4, 6, right));
      const batchA = noise(2, ...shape(3, 4, left));
      return [
        tf.matMul(a, b, left, right),
        tf.matMul(a, wide, left, right),
        tf.matMul(batchA, batch, left, right),
      ];
    });
  });
});

describe('other kernels on wasm', () => {
  it('slice as on cpu, wherever the cut is', async () => {
    await expectSame(() => {
      const x = noise(3, 4, 5, 2) as tf.Tensor4D;
      return [
        tf.slice(x, [0, 1, 1, 0], [3, 2, 3, 2]),
        tf.slice(x, [0, 1, 0, 0], [-1, 2, -1, -1]),
        tf.slice(x, [1, 0, 0, 0], [2, 4, 5, 2]),
        tf.slice(x, [1, 1, 1, 1], [1, 2, 3, 1]),
        tf.slice(x, 1),
        tf.slice(x, 0),
        tf.slice(tf.cast(x, 'int32'), [0, 1], [3, 2]),
      ];
    });
  });

  it('make one-hot rows of the type that was asked for', async () => {
    await expectSame(() => {
      const labels = tf.tensor1d([1, 0, 3], 'int32');
      return [
        tf.oneHot(labels, 4, 1, 0, 'float32'),
        tf.oneHot(labels, 4, 0.5, -0.25, 'float32'),
        tf.oneHot(labels, 4),
      ];
    });
  });

  it('share memory between copies, until the last one goes', async () => {
    await tf.setBackend('wasm');
    const original = noise(2, 2);
    const values = original.dataSync();
    const copies = [original.clone(), tf.cast(original, 'float32')];
    original.dispose();
    expect(copies[0]!.dataSync()).toEqual(values);
    copies[0]!.dispose();
    expect(copies[1]!.dataSync()).toEqual(values);
    copies[1]!.dispose();
  });

  it('cast between types', async () => {
    await expectSame(() => [
      tf.cast(tf.tensor1d([1.7, -1.7, 0]), 'int32'),
      tf.cast(tf.tensor1d([1, -2], 'int32'), 'float32'),
    ]);
  });
});
