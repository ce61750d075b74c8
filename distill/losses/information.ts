import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';

/**
 * Correlation part of information-theoretic distillation (Miles et al., arXiv
 * 2112.00459): with C the cross-correlation of each dimension over the
 * batch, log2 sum |C_vv - 1|^(2 alpha).
 *
 * Deviations are unbiased and the sum over samples is divided by N, as in the
 * reference, so C_vv reaches (N - 1) / N.
 *
 * @param student [N, d]
 * @param teacher [N, d], a constant
 */
export function correlationLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  alpha: number,
): tf.Scalar {
  const target = constant(() => standardize(teacher));
  const correlations = tf.mean(tf.mul(standardize(student), target), 0); // [d]
  const missing = tf.abs(tf.sub(correlations, 1));
  return tf.div(tf.log(tf.sum(tf.pow(missing, 2 * alpha))), Math.LN2);
}

/** Columns to mean 0 and unbiased deviation 1. */
function standardize(x: tf.Tensor2D): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 0, true));
  const squares = tf.sum(tf.square(centred), 0, true); // [1, d]
  const variance = tf.div(squares, x.shape[0] - 1);
  return tf.div(centred, tf.sqrt(tf.maximum(variance, 1e-12)));
}

/**
 * Mutual-information part, with Renyi's entropies of order 2 of the
 * batch's Gram matrices: sum G_s^2 - sum G_st^2, where G_s is the student's
 * and G_st its product with the teacher's by element, each of trace 1.
 *
 * @param student [N, d]
 * @param teacher [N, e], a constant
 */
export function mutualInformationLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
): tf.Scalar {
  const own = gram(student); // [N, N]
  const joint = tf.mul(
    own,
    constant(() => gram(teacher)),
  );
  return tf.sub(purity(own), purity(joint));
}

function gram(x: tf.Tensor2D): tf.Tensor2D {
  const unit = l2Normalize(x);
  return tf.matMul(unit, unit, false, true);
}

/** Sum of squares of a matrix brought to trace 1. */
function purity(matrix: tf.Tensor): tf.Scalar {
  const trace = tf.sum(tf.mul(matrix, tf.eye(matrix.shape[0])));
  return tf.sum(tf.square(tf.div(matrix, trace)));
}
