import * as tf from '@tensorflow/tfjs-core';
import {
  type ConvAttributes,
  type FilterGradientAttributes,
  type InputGradientAttributes,
  registerConvGradient,
  runConvKernel as run,
  type Shape4D,
} from './conv-kernel.js';
import { runKernel, type Kernel } from './kernel.js';

/**
 * A convolution whose channels fall into groups that do not see each other
 * (one channel each: a depthwise convolution).
 *
 * @param x [N, H, W, in]
 * @param filter [height, width, in / groups, out], the outputs of the first
 *   group first
 * @returns [N, H', W', out]
 */
export function groupedConv(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  attributes: ConvAttributes,
): tf.Tensor4D {
  return runKernel(forward, { x, filter }, attributes)[0] as tf.Tensor4D;
}

const forward: Kernel<'x' | 'filter', ConvAttributes> = {
  name: 'GroupedConv',
  compose({ x, filter }, { strides, pad }) {
    const [images, weights] = [x, filter] as [tf.Tensor4D, tf.Tensor4D];
    if (isDepthwise(images.shape, weights.shape)) {
      return [tf.depthwiseConv2d(images, swapped(weights), strides, pad)];
    }
    const groups = images.shape[3] / weights.shape[2];
    const [inputs, filters] = [
      tf.split<tf.Tensor4D>(images, groups, 3),
      tf.split<tf.Tensor4D>(weights, groups, 3),
    ];
    const outputs = inputs.map((input, group) =>
      tf.conv2d(input, filters[group]!, strides, pad),
    );
    return [tf.concat(outputs, 3)];
  },
};

/** dx from dy and the filter. */
const inputGradient: Kernel<'dy' | 'filter', InputGradientAttributes> = {
  name: 'GroupedConvInputGrad',
  compose({ dy, filter }, { inputShape, ...how }) {
    const weights = filter as tf.Tensor4D;
    if (isDepthwise(inputShape, weights.shape)) {
      const inputs = { dy, filter: swapped(weights) };
      return [
        run(tf.DepthwiseConv2dNativeBackpropInput, inputs, how, { inputShape }),
      ];
    }
    const groups = inputShape[3] / weights.shape[2];
    const filters = tf.split(weights, groups, 3);
    const own = inputShape.with(3, weights.shape[2]);
    const parts = tf.split(dy, groups, 3).map((part, group) => {
      const inputs = { dy: part, filter: filters[group]! };
      return run(tf.Conv2DBackpropInput, inputs, how, { inputShape: own });
    });
    return [tf.concat(parts, 3)];
  },
};

/** dfilter from x and dy. */
const filterGradient: Kernel<'x' | 'dy', FilterGradientAttributes> = {
  name: 'GroupedConvFilterGrad',
  compose({ x, dy }, { filterShape, ...how }) {
    const [height, width, perGroup, outputs] = filterShape;
    if (isDepthwise(x.shape as Shape4D, filterShape)) {
      const own = { filterShape: [height, width, outputs, 1] };
      const kernel = tf.DepthwiseConv2dNativeBackpropFilter;
      const gradient = run(kernel, { x, dy }, how, own);
      return [tf.reshape(gradient, filterShape)];
    }
    const groups = x.shape[3]! / perGroup;
    const own = { filterShape: filterShape.with(3, outputs / groups) };
    const gradients = tf.split(dy, groups, 3);
    const parts = tf.split(x, groups, 3).map((part, group) => {
      const inputs = { x: part, dy: gradients[group]! };
      return run(tf.Conv2DBackpropFilter, inputs, how, own);
    });
    return [tf.concat(parts, 3)];
  },
};

/** TensorFlow.js has kernels of its own where each channel is a group. */
function isDepthwise(x: Shape4D, filter: Shape4D): boolean {
  return filter[2] === 1 && filter[3] === x[3];
}

/** [height, width, 1, C] as [height, width, C, 1]: no element moves. */
function swapped(filter: tf.Tensor4D): tf.Tensor4D {
  const [height, width, , channels] = filter.shape;
  return tf.reshape(filter, [height, width, channels, 1]);
}

registerConvGradient(
  forward.name,
  (inputs, how) => runKernel(inputGradient, inputs, how)[0]!,
  (inputs, how) => runKernel(filterGradient, inputs, how)[0]!,
);
