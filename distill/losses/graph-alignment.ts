import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';

/** A root's argument is never taken to be smaller than this. */
const minimalSquare = 1e-12;

/**
 * Embedding graph alignment (Ma et al., BMVC 2022). With Pearson's
 * correlations between the samples of the batch,
 *
 *   L = |corr(t, s) - I|_F + edgeWeight |corr(t, t) - corr(s, s)|_F
 *
 * @param student [N, d]
 * @param teacher [N, d], a constant
 */
export function graphAlignment(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  edgeWeight: number,
): tf.Scalar {
  const own = standardRows(student);
  const target = constant(() => standardRows(teacher));
  const targetEdges = constant(() => tf.matMul(target, target, false, true));
  const nodes = tf.matMul(target, own, false, true); // [N, N]
  const edges = tf.matMul(own, own, false, true);
  const nodeLoss = frobenius(tf.sub(nodes, tf.eye(nodes.shape[0])));
  const edgeLoss = frobenius(tf.sub(targetEdges, edges));
  return tf.add(nodeLoss, tf.mul(edgeLoss, edgeWeight));
}

/** Rows of mean 0 and length 1. */
function standardRows(x: tf.Tensor2D): tf.Tensor2D {
  return l2Normalize(tf.sub(x, tf.mean(x, 1, true)));
}

function frobenius(matrix: tf.Tensor): tf.Scalar {
  const squares = tf.sum<tf.Scalar>(tf.square(matrix));
  return tf.sqrt(tf.maximum(squares, minimalSquare));
}
