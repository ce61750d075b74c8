import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';

const epsilon = 1e-7;

/**
 * Probabilistic knowledge transfer (Passalis and Tefas, arXiv 1803.10837):
 * with the kernel (cos + 1) / 2, each row normalised to a distribution over
 * the batch, the mean over [N, N] of p_t log(p_t / p_s).
 *
 * @param student [N, d]
 * @param teacher [N, e], a constant
 */
export function probabilistic(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
): tf.Scalar {
  const target = constant(() => distributions(teacher));
  const own = distributions(student);
  const ratio = tf.div(tf.add(target, epsilon), tf.add(own, epsilon));
  return tf.mean(tf.mul(target, tf.log(ratio)));
}

function distributions(x: tf.Tensor2D): tf.Tensor2D {
  const squares = tf.sum(tf.square(x), 1, true); // [N, 1]
  // The floor keeps the gradient of the root finite at zero.
  const norm = tf.sqrt(tf.maximum(squares, epsilon ** 2));
  const unit = tf.div<tf.Tensor2D>(x, tf.add(norm, epsilon));
  const cosines = tf.matMul(unit, unit, false, true);
  const kernel = tf.div(tf.add(cosines, 1), 2); // [N, N]
  return tf.div(kernel, tf.sum(kernel, 1, true));
}
