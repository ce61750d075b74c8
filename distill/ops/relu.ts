import * as tf from '@tensorflow/tfjs-core';
import { runKernel, type Kernel } from './kernel.js';

/** max(x, 0). The gradient needs only the output, so x need not be kept. */
export function relu(x: tf.Tensor4D): tf.Tensor4D {
  return rectify(x) as tf.Tensor4D;
}

/** min(max(x, 0), 6) */
export function relu6(x: tf.Tensor4D): tf.Tensor4D {
  return tf.minimum(relu(x), 6);
}

/** dx = dy where y > 0. */
export function reluGradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  return runKernel(gradient, { dy, y })[0]!;
}

const rectify = tf.customGrad((x, save) => {
  const value = tf.relu(x as tf.Tensor);
  (save as tf.GradSaveFunc)([value]);
  const gradFunc = (dy: tf.Tensor, [y]: tf.Tensor[]) => reluGradient(dy, y!);
  return { value, gradFunc };
});

const gradient: Kernel<'dy' | 'y'> = {
  name: 'ReluGrad',
  compose: ({ dy, y }) => [tf.mul(dy, tf.step(y))],
};
