import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';

/**
 * Similarity-preserving distillation (Tung and Mori, arXiv 1907.09682): the
 * mean square of the difference of the batch's similarity matrices.
 *
 * @param student [N, H, W, C]
 * @param teacher [N, H', W', C'], a constant
 */
export function similarityPreserving(
  student: tf.Tensor4D,
  teacher: tf.Tensor4D,
): tf.Scalar {
  const target = constant(() => similarities(teacher));
  return tf.mean(tf.square(tf.sub(similarities(student), target)));
}

/** Inner products of all samples with each, rows of length 1. [N, N] */
function similarities(map: tf.Tensor4D): tf.Tensor2D {
  const rows = tf.reshape<tf.Rank.R2>(map, [map.shape[0], -1]);
  return l2Normalize(tf.matMul(rows, rows, false, true));
}
