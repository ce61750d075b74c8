import * as tf from '@tensorflow/tfjs-core';

/**
 * Means over equal windows, so that a map gets a given size.
 *
 * @param x [N, H, W, C]
 * @returns [N, height, width, C]
 * @throws RangeError unless height divides H and width divides W
 */
export function poolTo(
  x: tf.Tensor4D,
  height: number,
  width: number,
): tf.Tensor4D {
  const window: [number, number] = [x.shape[1] / height, x.shape[2] / width];
  if (window[0] === 1 && window[1] === 1) return x;
  if (!window.every(Number.isInteger)) {
    const size = x.shape.slice(1, 3).join(' x ');
    throw new RangeError(`no ${height} x ${width} windows in a ${size} map`);
  }
  return tf.avgPool(x, window, window, 'valid');
}

/** Two maps at the smaller one's size. */
export function poolToSmaller(
  a: tf.Tensor4D,
  b: tf.Tensor4D,
): [tf.Tensor4D, tf.Tensor4D] {
  const height = Math.min(a.shape[1], b.shape[1]);
  const width = Math.min(a.shape[2], b.shape[2]);
  return [poolTo(a, height, width), poolTo(b, height, width)];
}
