import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { poolToSmaller } from '../ops/pool.js';

/**
 * Where a map looks: the mean square over its channels, as one row of length 1
 * for each sample.
 *
 * @param map [N, H, W, C]
 * @returns [N, H W]
 */
export function attentionOf(map: tf.Tensor4D): tf.Tensor2D {
  const energy = tf.mean(tf.square(map), 3); // [N, H, W]
  return l2Normalize(tf.reshape(energy, [map.shape[0], -1]));
}

/**
 * Attention transfer (Zagoruyko and Komodakis, arXiv 1612.03928): the mean
 * square of the difference of attentions. The larger map is pooled.
 *
 * @param student [N, H, W, C]
 * @param teacher [N, H', W', C'], a constant
 */
export function attentionTransfer(
  student: tf.Tensor4D,
  teacher: tf.Tensor4D,
): tf.Scalar {
  const [own, target] = poolToSmaller(student, teacher);
  const difference = tf.sub(
    attentionOf(own),
    constant(() => attentionOf(target)),
  );
  return tf.mean(tf.square(difference));
}
