import * as tf from '@tensorflow/tfjs-core';
import { runKernel, type Kernel } from './kernel.js';

/**
 * A filter in TensorFlow's layout.
 * @param weight in torch's: [out, in, height, width]
 * @returns [height, width, in, out]
 */
export function filterOf(weight: tf.Tensor): tf.Tensor4D {
  return runKernel(toLast, { weight })[0] as tf.Tensor4D;
}

const toLast: Kernel<'weight'> = {
  name: 'FilterToLast',
  compose: ({ weight }) => [tf.transpose(weight, [2, 3, 1, 0])],
};

const toFirst: Kernel<'filter'> = {
  name: 'FilterToFirst',
  compose: ({ filter }) => [tf.transpose(filter, [3, 2, 0, 1])],
};

tf.registerGradient({
  kernelName: toLast.name,
  gradFunc: (dy) => ({
    weight: () => runKernel(toFirst, { filter: dy as tf.Tensor })[0]!,
  }),
});
