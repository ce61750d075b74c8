import * as tf from '@tensorflow/tfjs-core';

/**
 * What `compute` returns, without a gradient: nothing that it does is
 * recorded, so nothing of it is kept for a backward pass either.
 */
export function constant<T extends tf.Tensor>(compute: () => T): T {
  const gradFunc = (): tf.Tensor[] => [];
  return tf.customGrad(() => ({ value: tf.clone(compute()), gradFunc }))();
}
