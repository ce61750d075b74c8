import * as tf from '@tensorflow/tfjs-core';

/**
 * A square convolution without bias, padded with (size - 1) / 2 zeros on every
 * side, as torch's nn.Conv2d(padding = (size - 1) / 2).
 *
 * At stride 2 the padding is explicit: `same` would pad one side only.
 *
 * @param x [N, H, W, in]
 * @param weight [out, in, size, size] with an odd size
 * @returns [N, ceil(H / stride), ceil(W / stride), out]
 */
export function conv(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  stride: 1 | 2 = 1,
): tf.Tensor4D {
  const kernel = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D; // [h, w, in, out]
  const margin = (kernel.shape[0] - 1) / 2;
  if (stride === 1) return tf.conv2d(x, kernel, 1, 'same');
  const both: [number, number] = [margin, margin];
  const padded = margin ? tf.pad4d(x, [[0, 0], both, both, [0, 0]]) : x;
  return tf.conv2d(padded, kernel, stride, 'valid');
}
