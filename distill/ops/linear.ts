import * as tf from '@tensorflow/tfjs-core';

/**
 * x W^T + b, as torch's nn.Linear.
 * @param x [N, in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [N, out]
 */
export function linear(
  x: tf.Tensor2D,
  weight: tf.Tensor,
  bias: tf.Tensor,
): tf.Tensor2D {
  return tf.add(tf.matMul(x, weight as tf.Tensor2D, false, true), bias);
}
