import * as tf from '@tensorflow/tfjs-core';
import { axesOf, type ConvAttributes } from './conv-gradients.js';

type Shape4D = [number, number, number, number];

// The backend has depthwise convolutions but none of their gradients. Layout
// NHWC, filters [height, width, C, 1]: one output for each channel.

/**
 * The gradient by the filter: for each tap, dy times the pixels that the tap
 * saw, summed over N, H and W.
 *
 * @param x [N, H, W, C]
 * @param dy [N, H', W', C]
 */
export function depthwiseFilterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor4D {
  const [rows, columns] = axesOf(x.shape, filterShape, attributes);
  const [samples, height, width, channels] = dy.shape;
  const image = tf.pad4d(x, [
    [0, 0],
    [rows.before, Math.max(0, reach(rows) - rows.before - rows.inputSize)],
    [
      columns.before,
      Math.max(0, reach(columns) - columns.before - columns.inputSize),
    ],
    [0, 0],
  ]);
  const pixels = samples * height * width;
  const ones = tf.ones<tf.Rank.R2>([1, pixels]);
  const sums: tf.Tensor2D[] = [];
  for (let row = 0; row < rows.taps; row++) {
    for (let column = 0; column < columns.taps; column++) {
      const seen = tf.stridedSlice(
        image,
        [0, row, column, 0],
        [
          samples,
          row + rows.stride * (height - 1) + 1,
          column + columns.stride * (width - 1) + 1,
          channels,
        ],
        [1, rows.stride, columns.stride, 1],
      );
      const products = tf.reshape(tf.mul(seen, dy), [pixels, channels]);
      sums.push(tf.matMul(ones, products));
    }
  }
  return tf.reshape(tf.concat(sums, 0), filterShape);
}

/**
 * The gradient by the input: a depthwise convolution with the turned filter of
 * dy, with stride - 1 zeros between its pixels.
 */
export function depthwiseInputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  inputShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor4D {
  const [rows, columns] = axesOf(inputShape, filter.shape, attributes);
  const spread = spreadOut(dy, rows.stride, columns.stride);
  const margins = [rows, columns].map((axis, i) => {
    const before = axis.taps - 1 - axis.before;
    const size = axis.inputSize + axis.taps - 1;
    return { before, size, after: size - before - spread.shape[i + 1]! };
  });
  const [vertical, horizontal] = margins as [Margin, Margin];
  const padded = tf.pad4d(spread, [
    [0, 0],
    [vertical.before, Math.max(0, vertical.after)],
    [horizontal.before, Math.max(0, horizontal.after)],
    [0, 0],
  ]);
  const whole = tf.slice4d(
    padded,
    [0, 0, 0, 0],
    [...([-1, vertical.size, horizontal.size, -1] as const)],
  );
  const turned = tf.reverse(filter, [0, 1]);
  return tf.depthwiseConv2d(whole, turned, 1, 'valid');
}

type Margin = Record<'before' | 'after' | 'size', number>;

/** How far the filter gets, from the first zero in front. */
function reach(axis: ReturnType<typeof axesOf>[number]): number {
  return axis.stride * (axis.outputSize - 1) + axis.taps;
}

function spreadOut(x: tf.Tensor4D, height: number, width: number) {
  if (height === 1 && width === 1) return x;
  const [samples, rows, columns, channels] = x.shape;
  const apart = tf.pad(
    tf.reshape(x, [samples * rows, 1, columns, 1, channels]),
    [
      [0, 0],
      [0, height - 1],
      [0, 0],
      [0, width - 1],
      [0, 0],
    ],
  );
  return tf.reshape<tf.Rank.R4>(apart, [
    ...([samples, rows * height, columns * width, channels] as const),
  ]);
}
