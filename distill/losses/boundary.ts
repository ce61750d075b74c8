import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';

/** How far an activation shall be on the right side. */
const margin = 1;

/**
 * Activation boundaries (Heo et al., arXiv 1811.03233): the student's
 * pre-activations shall have the teacher's signs, by a squared hinge,
 *
 *   (1/N) sum relu(1 + s)^2 where t <= 0, relu(1 - s)^2 where t > 0
 *
 * @param student [N, H, W, C] in front of the ReLU
 * @param teacher [N, H, W, C] in front of the ReLU, a constant
 */
export function boundary(
  student: tf.Tensor4D,
  teacher: tf.Tensor4D,
): tf.Scalar {
  // +1 where the teacher is silent, -1 where it answers
  const side = constant(() => tf.sub(1, tf.mul(tf.step(teacher), 2)));
  const missing = tf.relu(tf.add(tf.mul(student, side), margin));
  return tf.div(tf.sum(tf.square(missing)), student.shape[0]);
}
