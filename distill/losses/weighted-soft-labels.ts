import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { crossEntropyOf } from './cross-entropy.js';

/**
 * Weighted soft labels (Zhou et al., arXiv 2102.00650): distillation
 * of each sample counts less, the better the student knows it already,
 *
 *   w_i = 1 - exp(-CE(s_i, y_i) / CE(t_i, y_i))
 *   L = T^2 (1/N) sum_i w_i H( softmax(t_i / T), softmax(s_i / T) )
 *
 * The weights and the teacher's side are constants.
 *
 * @param student logits [N, C]
 * @param teacher logits [N, C]
 * @param labels int32 [N]
 */
export function weightedSoftLabels(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  labels: tf.Tensor1D,
  temperature: number,
): tf.Scalar {
  const weights = constant(() => {
    const reference = tf.add(crossEntropyOf(teacher, labels), 1e-7);
    const ratio = tf.div(crossEntropyOf(student, labels), reference); // [N]
    return tf.sub(1, tf.exp(tf.neg(tf.relu(ratio))));
  });
  const target = constant(() =>
    tf.softmax(tf.div<tf.Tensor2D>(teacher, temperature)),
  );
  const own = tf.logSoftmax(tf.div<tf.Tensor2D>(student, temperature));
  const entropies = tf.neg(tf.sum(tf.mul(target, own), 1)); // [N]
  return tf.mul(tf.mean(tf.mul(weights, entropies)), temperature ** 2);
}
