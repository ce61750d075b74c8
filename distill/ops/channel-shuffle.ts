import * as tf from '@tensorflow/tfjs-core';

/**
 * Deals the channels out, one from each group in turn, so that the next grouped
 * convolution sees all of this one's groups (arXiv 1707.01083, section 3.1).
 *
 * @param x [N, H, W, C]
 */
export function channelShuffle(x: tf.Tensor4D, groups: number): tf.Tensor4D {
  const channels = x.shape[3];
  const grouped = tf.reshape(x, [-1, groups, channels / groups]); // [N H W, g, C / g]
  return tf.reshape(tf.transpose(grouped, [0, 2, 1]), x.shape);
}
