import * as tf from '@tensorflow/tfjs-core';

const epsilon = 1e-7;

/**
 * Noise-contrastive estimation as in CRD (Tian et al., arXiv 1910.10699):
 * with P the unnormalised probability of a pair, K negatives drawn evenly
 * from n samples and c = K / n,
 *
 *   -(1/N) sum_i ( log P_i0 / (P_i0 + c) + sum_k log c / (P_ik + c) )
 *
 * @param pairs P, column 0 the positives, [N, 1 + K]
 */
export function noiseContrastive(
  pairs: tf.Tensor2D,
  sampleCount: number,
): tf.Scalar {
  const [count, columns] = pairs.shape;
  const noise = (columns - 1) / sampleCount;
  const either = tf.add(pairs, noise + epsilon);
  const isPositive = tf.oneHot(tf.zeros([count], 'int32'), columns); // [N, 1 + K]
  const negatives = tf.mul(tf.sub(1, tf.cast(isPositive, 'float32')), noise);
  const hits = tf.add(tf.mul(pairs, tf.cast(isPositive, 'float32')), negatives);
  return tf.div(tf.sum(tf.log(tf.div(hits, either))), -count);
}
