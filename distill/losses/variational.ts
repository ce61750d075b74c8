import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';

/** Variances are never smaller than this. */
const minimalVariance = 1e-5;

/**
 * Variational information distillation (Ahn et al., arXiv 1904.05835): the
 * teacher's map is Gaussian around a prediction, with a trained variance for
 * each channel, sigma^2 = softplus(scale) + 1e-5. The mean of
 *
 *   ((mean - t)^2 / sigma^2 + log sigma^2) / 2
 *
 * @param mean prediction [N, H, W, C]
 * @param target t, the teacher's map, a constant. [N, H, W, C]
 * @param scale [C]
 */
export function variational(
  mean: tf.Tensor4D,
  target: tf.Tensor4D,
  scale: tf.Tensor,
): tf.Scalar {
  const variance = tf.add(softplus(scale), minimalVariance); // [C]
  const squares = tf.squaredDifference(
    mean,
    constant(() => target),
  );
  const spread = tf.mean(squares, [0, 1, 2]); // [C]
  const terms = tf.add(tf.div(spread, variance), tf.log(variance));
  return tf.div(tf.mean(terms), 2);
}

/** The scale at which a variance is given. */
export function scaleFor(variance: number): number {
  return Math.log(Math.expm1(variance - minimalVariance));
}

/** log(1 + exp(x)) without overflow, in operations that all engines have. */
function softplus(x: tf.Tensor): tf.Tensor {
  const tail = tf.log(tf.add(tf.exp(tf.neg(tf.abs(x))), 1));
  return tf.add(tf.relu(x), tail);
}
