import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { poolToSmaller } from '../ops/pool.js';
import { attentionOf } from './attention.js';

/**
 * What of a factor is compared: all of it, as the paper has it, or its
 * attention, as the reference does.
 */
export type FactorView = 'whole' | 'attention';

/**
 * Factor transfer (Kim et al., arXiv 1802.04977): the mean absolute difference
 * of factors that are of length 1. The larger one is pooled.
 *
 * @param student [N, H, W, C]
 * @param teacher [N, H', W', C], a constant
 */
export function factorTransfer(
  student: tf.Tensor4D,
  teacher: tf.Tensor4D,
  view: FactorView,
): tf.Scalar {
  const [own, target] = poolToSmaller(student, teacher);
  const rows = view === 'whole' ? wholeOf : attentionOf;
  const difference = tf.sub(
    rows(own),
    constant(() => rows(target)),
  );
  return tf.mean(tf.abs(difference));
}

function wholeOf(map: tf.Tensor4D): tf.Tensor2D {
  return l2Normalize(tf.reshape(map, [map.shape[0], -1]));
}
