import * as tf from '@tensorflow/tfjs-core';

/**
 * InfoNCE (van den Oord et al., arXiv 1807.03748) over a queue of negatives:
 *
 *   -(1/N) sum_i log( e(s_i . t_i) / (e(s_i . t_i) + sum_k e(s_i . Q[k])) )
 *
 * with e(x) = exp(x / temperature).
 *
 * @param student L2-normalised embeddings [N, d]
 * @param teacher L2-normalised embeddings of the same samples [N, d]
 * @param queue [K, d]
 */
export function infoNce(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  queue: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  const positive = tf.sum<tf.Tensor2D>(tf.mul(student, teacher), 1, true);
  const negative = tf.matMul(student, queue, false, true); // [N, K]
  const scores = tf.concat([positive, negative], 1); // [N, 1 + K]
  const logits = tf.div<tf.Tensor2D>(scores, temperature);
  const first = tf.slice(tf.logSoftmax(logits), [0, 0], [logits.shape[0], 1]);
  return tf.neg(tf.mean(first));
}

/**
 * Discriminative and consistent distillation (Giakoumoglou and Stathaki, arXiv
 * 2407.11802): in the matrix of scores between student and teacher, each
 * student row must find its own teacher row, and the rows of the matrix must
 * be distributed like its columns,
 *
 *   -(1/N) sum_i log softmax(S_i)[i] + consistency KL(softmax(S^T) || softmax(S))
 *
 * @param scores S, scaled similarities of student (rows) and teacher [N, N]
 */
export function discriminativeConsistent(
  scores: tf.Tensor2D,
  consistency: number,
): tf.Scalar {
  const count = scores.shape[0];
  const rows = tf.logSoftmax(scores);
  const columns = tf.logSoftmax(tf.transpose(scores));
  const own = tf.sum(tf.mul(rows, tf.eye(count)));
  const divergence = tf.sum(tf.mul(tf.exp(columns), tf.sub(columns, rows)));
  const sum = tf.sub(tf.mul(divergence, consistency), own);
  return tf.div(sum, count);
}
