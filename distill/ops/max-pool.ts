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
