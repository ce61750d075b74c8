import * as tf from '@tensorflow/tfjs-core';

/**
 * The largest value of each 2 x 2 window, as torch's nn.MaxPool2d(2): an odd
 * last row or column is left out, and of equal values the first one, row by
 * row, gets the gradient.
 *
 * Written as maxima of slices, which every engine differentiates.
 *
 * @param x [N, H, W, C]
 * @returns [N, floor(H / 2), floor(W / 2), C]
 */
export function maxPool2(x: tf.Tensor4D): tf.Tensor4D {
  const [count, fullHeight, fullWidth, channels] = x.shape;
  const [height, width] = [fullHeight >> 1, fullWidth >> 1];
  const isEven = fullHeight === 2 * height && fullWidth === 2 * width;
  const even = isEven
    ? x
    : tf.slice4d(x, [0, 0, 0, 0], [count, 2 * height, 2 * width, channels]);
  // Row parity becomes an axis, column parity a half of the channels.
  const rows = count * height;
  const paired = tf.reshape<tf.Rank.R4>(even, [
    ...([rows, 2, width, 2 * channels] as const),
  ]);
  const corner = (row: number, column: number) =>
    tf.slice4d(
      paired,
      [0, row, 0, column * channels],
      [rows, 1, width, channels],
    );
  const corners = [corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)];
  const largest = corners.reduce((a, b) => tf.maximum<tf.Tensor4D>(a, b));
  return tf.reshape(largest, [count, height, width, channels]);
}

/** Below every activation, and a number that every engine knows. */
const lowest = -3.4e38;

/**
 * The largest value of each 3 x 3 window at every second pixel, as torch's
 * nn.MaxPool2d(3, stride=2, padding=1); equal values as in `maxPool2`.
 *
 * @param x [N, H, W, C]
 * @returns [N, ceil(H / 2), ceil(W / 2), C]
 */
export function maxPool3(x: tf.Tensor4D): tf.Tensor4D {
  const [count, fullHeight, fullWidth, channels] = x.shape;
  const [height, width] = [(fullHeight + 1) >> 1, (fullWidth + 1) >> 1];
  const after = (length: number, size: number) => 2 * length + 1 - size;
  const padded = tf.pad4d(
    x,
    [
      [0, 0],
      [1, after(height, fullHeight)],
      [1, after(width, fullWidth)],
      [0, 0],
    ],
    lowest,
  );
  const columns = windowsOfThree(padded, count * (2 * height + 2), channels);
  const rows = windowsOfThree(columns, count, width * channels);
  return tf.reshape(rows, [count, height, width, channels]);
}

/**
 * The largest of three neighbours, at every second one but the last.
 * @param x `outer` times 2 M + 2 rows of `inner` values
 * @returns [outer, M, inner]
 */
function windowsOfThree(
  x: tf.Tensor,
  outer: number,
  inner: number,
): tf.Tensor3D {
  // The parity of a row is a half of the last axis.
  const pairs = tf.reshape<tf.Rank.R3>(x, [outer, -1, 2 * inner]);
  const size = pairs.shape[1] - 1;
  const part = (first: number, half: number) =>
    tf.slice3d(pairs, [0, first, half * inner], [outer, size, inner]);
  const front = tf.maximum<tf.Tensor3D>(part(0, 0), part(0, 1));
  return tf.maximum(front, part(1, 0));
}
