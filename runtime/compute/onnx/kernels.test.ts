import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#distill/tensors.js';
import { KernelUnsupportedError } from '../../errors.js';
import {
  expectSame,
  integers,
  numbers,
  onnx,
  programOf,
  withGradient,
  zero,
  type Operation,
} from './agreement.test.util.js';

const [a, b] = [numbers([2, 3, 4]), numbers([2, 3, 4], 2)];
const row = numbers([4], 3);
/** Booleans as 0 and 2; the sum makes the cpu backend really convert them. */
const asNumbers = (x: tf.Tensor) => tf.mul(tf.cast(x, 'float32'), 2);

const positive = (x: tf.Tensor) => tf.add(tf.abs(x), 0.5);

const differentiable: [
  string,
  (...xs: tf.Tensor[]) => tf.Tensor,
  HostTensor[],
][] = [
  ['add, broadcast', (x, y) => tf.add(x, y), [a, row]],
  ['sub, broadcast', (x, y) => tf.sub(x, y), [row, a]],
  ['mul', (x, y) => tf.mul(x, y), [a, b]],
  ['div', (x, y) => tf.div(x, positive(y)), [a, row]],
  ['maximum', (x, y) => tf.maximum(x, y), [a, b]],
  ['minimum', (x, y) => tf.minimum(x, y), [a, b]],
  ['pow', (x) => tf.pow(positive(x), 3), [a]],
  ['squaredDifference', (x, y) => tf.squaredDifference(x, y), [a, b]],
  ['neg, abs', (x) => tf.abs(tf.neg(x)), [a]],
  ['exp, log', (x) => tf.log(tf.add(tf.exp(x), 1)), [a]],
  [
    'sqrt, rsqrt',
    (x) => tf.mul(tf.sqrt(positive(x)), tf.rsqrt(positive(x))),
    [a],
  ],
  ['relu, relu6', (x) => tf.add(tf.relu(x), tf.relu6(x)), [a]],
  ['leakyRelu', (x) => tf.leakyRelu(x, 0.1), [a]],
  [
    'sigmoid, softplus, tanh',
    (x) => tf.tanh(tf.mul(tf.sigmoid(x), tf.softplus(x))),
    [a],
  ],
  ['clipByValue', (x) => tf.clipByValue(x, -0.5, 0.7), [a]],
  ['sum, one axis', (x) => tf.sum(x, 1), [a]],
  ['sum, kept', (x) => tf.sum(x, [0, 2], true), [a]],
  ['mean', (x) => tf.mean(x, [0, 1]), [a]],
  ['max', (x) => tf.max(x, -1), [a]],
  ['min', (x) => tf.min(x, 1, true), [a]],
  ['softmax', (x) => tf.softmax(x), [a]],
  ['logSoftmax', (x) => tf.logSoftmax(x), [a]],
  ['logSumExp', (x) => tf.logSumExp(x, 1), [a]],
  [
    'transpose',
    (x, y) => tf.mul(tf.transpose(x, [2, 0, 1]), y),
    [a, numbers([4, 2, 3])],
  ],
  ['reshape', (x) => tf.mul(tf.reshape(x, [6, 4]), tf.reshape(x, [6, 4])), [a]],
  ['reshape of a transpose', (x) => tf.reshape(tf.transpose(x), [2, 12]), [a]],
  [
    'reshape of a repeat',
    (x) => tf.reshape(tf.tile(tf.reshape(x, [1, 4]), [3, 1]), [12]),
    [row],
  ],
  ['expandDims, squeeze', (x) => tf.squeeze(tf.expandDims(x, 1), [1]), [a]],
  [
    'pad',
    (x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [1, 2],
          [0, 1],
        ],
        0.5,
      ),
    [a],
  ],
  ['slice', (x) => tf.slice(x, [0, 1, 1], [2, 2, 2]), [a]],
  [
    'slice of a transpose',
    (x) => tf.slice(tf.transpose(x), [1, 0, 0], [2, 3, 1]),
    [a],
  ],
  [
    'concat',
    (x, y) => tf.concat([x, tf.transpose(y, [0, 2, 1])], 1),
    [a, numbers([2, 4, 3])],
  ],
  [
    'stack, unstack',
    (x, y) =>
      tf.sub(...(tf.unstack(tf.stack([x, y])) as [tf.Tensor, tf.Tensor])),
    [a, b],
  ],
  [
    'split',
    (x) => tf.sub(...(tf.split(x, 2, 2) as [tf.Tensor, tf.Tensor])),
    [a],
  ],
  ['tile', (x) => tf.tile(x, [1, 2, 1]), [a]],
  ['cumsum', (x) => tf.cumsum(x, 2, true, true), [a]],
  [
    'where',
    (x, y) => tf.where(tf.tensor([true, false, true, false]), x, tf.mul(y, 2)),
    [a, b],
  ],
  ['matMul', (x, y) => tf.matMul(x, y), [numbers([3, 4]), numbers([4, 5])]],
  [
    'matMul, transposed',
    (x, y) => tf.matMul(tf.transpose(x), y, false, true),
    [numbers([4, 3]), numbers([5, 4])],
  ],
  [
    'matMul, batched',
    (x, y) => tf.matMul(x, y, true, false),
    [a, numbers([2, 3, 5])],
  ],
];

const image = numbers([2, 6, 6, 3]);
const image4 = (x?: tf.Tensor) => x as tf.Tensor4D;

for (const [stride, padding, size] of [
  [1, 'same', 3],
  [1, 'valid', 3],
  [1, 1, 3],
  [1, 'same', 1],
  [2, 'valid', 3],
  [2, 'same', 3],
  [2, 'valid', 1],
] as const) {
  differentiable.push([
    `conv2d ${size}x${size}, stride ${stride}, padding ${padding}`,
    (x, w) =>
      tf.conv2d(
        image4(x),
        image4(w),
        stride,
        padding,
        'NHWC',
        1,
        padding === 1 ? 'floor' : undefined,
      ),
    [image, numbers([size, size, 3, 4])],
  ]);
}
for (const [size, stride, padding] of [
  [2, 2, 'valid'],
  [3, 2, 'same'],
  [3, 1, 'same'],
  [6, 1, 'valid'],
] as const) {
  differentiable.push([
    `maxPool ${size}, stride ${stride}, ${padding}`,
    (x) => tf.maxPool(image4(x), size, stride, padding),
    [image],
  ]);
}

// The gradient of a padded average pool is not compared: TensorFlow.js shares
// dy among the padding too.
for (const [size, stride] of [
  [2, 2],
  [3, 2],
  [6, 1],
] as const) {
  differentiable.push([
    `avgPool ${size}, stride ${stride}`,
    (x) => tf.avgPool(image4(x), size, stride, 'valid'),
    [image],
  ]);
}

const others: [string, Operation, HostTensor[]][] = [
  ['avgPool, padded', (x) => tf.avgPool(image4(x), 3, 2, 'same'), [image]],
  [
    'comparisons',
    (x, y) =>
      [
        tf.equal(x, x),
        tf.notEqual(x, y),
        tf.less(x, y),
        tf.lessEqual(x, y),
        tf.greaterEqual(x, y),
      ].map(asNumbers),
    [a, b],
  ],
  [
    'logical',
    (x, y) =>
      asNumbers(
        tf.logicalOr(
          tf.logicalNot(tf.greater(x, 0)),
          tf.logicalAnd(tf.greater(x, 0), tf.less(y, 0)),
        ),
      ),
    [a, b],
  ],
  [
    'all, any',
    (x) => [tf.all(tf.less(x, 1), 1), tf.any(tf.less(x, -1), 1)].map(asNumbers),
    [a],
  ],
  ['argMax, argMin', (x) => [tf.argMax(x, 1), tf.argMin(x, -1)], [a]],
  ['oneHot', (x) => tf.oneHot(x, 4), [integers([3, 0, 1])]],
  ['gather', (x, i) => tf.gather(x, i, 1), [a, integers([2, 0])]],
  [
    'int32 arithmetic',
    (i) => [
      tf.add(i, tf.scalar(1, 'int32')),
      tf.floorDiv(i, tf.scalar(2, 'int32')),
      tf.cast(i, 'float32'),
    ],
    [integers([7, -3, 4])],
  ],
  ['prod', (x) => tf.prod(x, 1), [a]],
  ['rounding', (x) => [tf.floor(x), tf.ceil(x), tf.sign(x)], [a]],
  [
    'stridedSlice, reverse',
    (x) => [
      tf.stridedSlice(x, [0, 2, 1], [2, 3, 4], [1, 1, 2]),
      tf.reverse(x, [0, 2]),
    ],
    [a],
  ],
  [
    'zerosLike, onesLike, fill',
    (x) => [tf.zerosLike(x), tf.onesLike(x), tf.fill([2, 2], 3)],
    [a],
  ],
  ['an input as it is, twice', (x) => [x, tf.clone(x)], [a]],
];

describe('every kernel agrees with the cpu engine', () => {
  it.each(differentiable)('%s', async (_, operation, inputs) => {
    await expectSame(withGradient(operation), inputs);
  });

  it.each(others)('%s', async (_, operation, inputs) => {
    await expectSame(operation, inputs);
  });
});

describe('a program that cannot be compiled', () => {
  it('names the kernel that has no lowering', async () => {
    const program = programOf((x) => tf.sin(x), { x: a });
    const compiled = onnx.compile(program, zero);
    await expect(compiled).rejects.toBeInstanceOf(KernelUnsupportedError);
    await expect(compiled).rejects.toMatchObject({
      metadata: { kernel: 'Sin' },
    });
  });

  it('is one that reads values', async () => {
    const program = programOf((x) => tf.scalar(x.dataSync()[0]!), { x: a });
    await expect(onnx.compile(program, zero)).rejects.toBeInstanceOf(
      KernelUnsupportedError,
    );
  });
});
