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
  const [count, classCount] = logits.shape;
  const chosen = tf.oneHot(labels, classCount, 1, 0, 'float32'); // [N, C]
  const logProbabilities = tf.logSoftmax(logits); // [N, C]
  return tf.div(tf.sum(tf.mul(chosen, logProbabilities)), -count);
}
