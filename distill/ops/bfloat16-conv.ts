import * as tf from '@tensorflow/tfjs-core';
import {
  type ConvAttributes,
  type FilterGradientAttributes,
  type InputGradientAttributes,
  registerConvGradient,
  runConvKernel,
} from './conv-kernel.js';
import { runKernel, type Kernel } from './kernel.js';
import { roundToBfloat16 as round } from './round.js';

/**
 * A convolution whose operands and results are rounded to bfloat16, forwards and
 * backwards, with sums in float32: what a processor's bfloat16 units compute.
 * Tensors stay float32 between layers.
 *
 * @param x [N, H, W, in]
 * @param filter [height, width, in, out]
 * @returns [N, H', W', out]
 */
export function bfloat16Conv(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  attributes: ConvAttributes,
): tf.Tensor4D {
  return runKernel(forward, { x, filter }, attributes)[0] as tf.Tensor4D;
}

const forward: Kernel<'x' | 'filter', ConvAttributes> = {
  name: 'Bfloat16Conv',
  compose({ x, filter }, { strides, pad }) {
    const images = round(x as tf.Tensor4D);
    const weights = round(filter as tf.Tensor4D);
    return [round(tf.conv2d(images, weights, strides, pad))];
  },
};

/** dx from dy and the filter. */
const inputGradient: Kernel<'dy' | 'filter', InputGradientAttributes> = {
  name: 'Bfloat16ConvInputGrad',
  compose({ dy, filter }, { inputShape, ...how }) {
    const inputs = { dy: round(dy), filter: round(filter) };
    const kernel = tf.Conv2DBackpropInput;
    return [round(runConvKernel(kernel, inputs, how, { inputShape }))];
  },
};

/** dfilter from x and dy. */
const filterGradient: Kernel<'x' | 'dy', FilterGradientAttributes> = {
  name: 'Bfloat16ConvFilterGrad',
  compose({ x, dy }, { filterShape, ...how }) {
    const inputs = { x: round(x), dy: round(dy) };
    const kernel = tf.Conv2DBackpropFilter;
    return [round(runConvKernel(kernel, inputs, how, { filterShape }))];
  },
};

registerConvGradient(
  forward.name,
  (inputs, how) => runKernel(inputGradient, inputs, how)[0]!,
  (inputs, how) => runKernel(filterGradient, inputs, how)[0]!,
);
