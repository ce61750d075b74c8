import * as tf from '@tensorflow/tfjs-core';

/**
 * Correlation congruence as the reference has it (after Peng et al., arXiv
 * 1904.01802): with Delta_i = |a_i - b_i|, the mean of Delta_i . Delta_(i+1)
 * over neighbours in the batch.
 *
 * @param a [N, d]
 * @param b [N, d]
 */
export function congruence(a: tf.Tensor2D, b: tf.Tensor2D): tf.Scalar {
  const [count, width] = a.shape;
  const delta = tf.abs(tf.sub(a, b)); // [N, d]
  const all = tf.slice(delta, [0, 0], [count - 1, width]);
  const next = tf.slice(delta, [1, 0], [count - 1, width]);
  return tf.div(tf.sum(tf.mul(all, next)), count - 1);
}
