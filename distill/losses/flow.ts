import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { poolToSmaller } from '../ops/pool.js';

/** A map and the one after it. */
export type Flow = readonly [tf.Tensor4D, tf.Tensor4D];

/**
 * Flow of the solution procedure (Yim et al., CVPR 2017): the mean square of
 * the difference of Gram matrices between consecutive maps, which need as many
 * channels at the student as at the teacher.
 *
 * @param teacher a constant
 */
export function flowLoss(student: Flow, teacher: Flow): tf.Scalar {
  const target = constant(() => gram(teacher));
  return tf.mean(tf.square(tf.sub(gram(student), target)));
}

/** Means over pixels of products of channels, [N, C, C'] */
function gram([first, second]: Flow): tf.Tensor3D {
  const [a, b] = poolToSmaller(first, second).map((map) => {
    const [count, height, width, channels] = map.shape;
    return tf.reshape<tf.Rank.R3>(map, [count, height * width, channels]);
  }) as [tf.Tensor3D, tf.Tensor3D];
  return tf.div(tf.matMul(a, b, true, false), a.shape[1]);
}
