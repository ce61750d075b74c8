import * as tf from '@tensorflow/tfjs-core';

/**
 * Cross-entropy with the true classes: -(1/N) sum_i log softmax(z_i)[y_i].
 * @param logits [N, C]
 * @param labels int32 [N]
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Scalar {
  return tf.mean(crossEntropyOf(logits, labels));
}

/** The same sample by sample: -log softmax(z_i)[y_i], [N]. */
export function crossEntropyOf(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Tensor1D {
  const classCount = logits.shape[1];
  const chosen = tf.oneHot(labels, classCount, 1, 0, 'float32'); // [N, C]
  const logProbabilities = tf.logSoftmax(logits); // [N, C]
  return tf.neg(tf.sum(tf.mul(chosen, logProbabilities), 1));
}

/**
 * Cross-entropy with given probabilities: -(1/N) sum_i p_i . log softmax(z_i).
 * @param logits [N, C]
 * @param probabilities [N, C]
 */
export function softCrossEntropy(
  logits: tf.Tensor2D,
  probabilities: tf.Tensor2D,
): tf.Scalar {
  const each = tf.sum(tf.mul(probabilities, tf.logSoftmax(logits)), 1);
  return tf.neg(tf.mean(each));
}
