import * as tf from '@tensorflow/tfjs-core';
import { runKernel, type Kernel } from '../ops/kernel.js';

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
  return runKernel(softmaxCrossEntropy, { logits, labels })[0] as tf.Tensor1D;
}

/** [N], and its gradient by the logits, softmax(z_i) - onehot(y_i): [N, C]. */
const softmaxCrossEntropy: Kernel<'logits' | 'labels'> = {
  name: 'SoftmaxCrossEntropy',
  compose({ logits, labels }) {
    const classCount = logits.shape[1]!;
    const chosen = tf.oneHot(labels, classCount, 1, 0, 'float32'); // [N, C]
    const logProbabilities = tf.logSoftmax(logits); // [N, C]
    return [
      tf.neg(tf.sum(tf.mul(chosen, logProbabilities), 1)),
      tf.sub(tf.exp(logProbabilities), chosen),
    ];
  },
};

tf.registerGradient({
  kernelName: softmaxCrossEntropy.name,
  outputsToSave: [false, true],
  gradFunc(dys, [slope]) {
    const dy = Array.isArray(dys) ? dys[0]! : dys; // [N]
    return { logits: () => tf.mul(tf.expandDims(dy, 1), slope!) };
  },
});

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
