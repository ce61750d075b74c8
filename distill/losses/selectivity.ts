import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { poolToSmaller } from '../ops/pool.js';

/**
 * Neuron selectivity transfer (Huang and Wang, arXiv 1707.01219): the squared
 * maximum mean discrepancy between the channels of two maps, each channel a
 * vector of length 1 over the pixels, with the kernel k(a, b) = (a . b)^2. The
 * larger map is pooled.
 *
 * @param student [N, H, W, C]
 * @param teacher [N, H', W', C'], a constant
 */
export function selectivity(
  student: tf.Tensor4D,
  teacher: tf.Tensor4D,
): tf.Scalar {
  const [pooled, reference] = poolToSmaller(student, teacher);
  const own = channelsOf(pooled);
  const target = constant(() => channelsOf(reference));
  const alone = constant(() => meanKernel(target, target));
  const together = tf.mul(meanKernel(own, target), 2);
  return tf.sub(tf.add(alone, meanKernel(own, own)), together);
}

/** [N, H, W, C] to [N, C, H W], each channel of length 1 */
function channelsOf(map: tf.Tensor4D): tf.Tensor3D {
  const [count, height, width, channels] = map.shape;
  const turned = tf.transpose(map, [0, 3, 1, 2]);
  const rows = l2Normalize(tf.reshape(turned, [-1, height * width]));
  return tf.reshape(rows, [count, channels, height * width]);
}

function meanKernel(a: tf.Tensor3D, b: tf.Tensor3D): tf.Scalar {
  return tf.mean(tf.square(tf.matMul(a, b, false, true)));
}
