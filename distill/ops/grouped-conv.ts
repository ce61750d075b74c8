import * as tf from '@tensorflow/tfjs-core';
import { runKernel, type Kernel } from './kernel.js';

/** How the filter moves; `same` at stride 1 only. */
export interface GroupedConvAttributes {
  readonly strides: number;
  readonly pad: 'same' | 'valid';
}

/** [N, H, W, C] */
type Shape4D = tf.Tensor4D['shape'];

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
  attributes: GroupedConvAttributes,
): tf.Tensor4D {
  return runKernel(forward, { x, filter }, attributes)[0] as tf.Tensor4D;
}

const forward: Kernel<'x' | 'filter', GroupedConvAttributes> = {
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

export interface InputGradientAttributes extends GroupedConvAttributes {
  readonly inputShape: Shape4D;
}

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

export interface FilterGradientAttributes extends GroupedConvAttributes {
  readonly filterShape: Shape4D;
}

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

function run(
  kernel: string,
  inputs: tf.NamedTensorMap,
  { strides, pad }: GroupedConvAttributes,
  shape: Readonly<Record<string, readonly number[]>>,
): tf.Tensor {
  const attributes: Record<string, unknown> = {
    ...{ strides: [strides, strides], pad, dilations: [1, 1] },
    ...{ dataFormat: 'NHWC', ...shape },
  };
  return tf
    .engine()
    .runKernel<tf.Tensor>(kernel, inputs, attributes as tf.NamedAttrMap);
}

tf.registerGradient({
  kernelName: forward.name,
  inputsToSave: ['x', 'filter'],
  gradFunc: (dys, saved, attributes) => {
    const dy = Array.isArray(dys) ? dys[0]! : dys;
    const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
    const how = attributes as unknown as GroupedConvAttributes;
    const [inputShape, filterShape] = [x.shape, filter.shape];
    return {
      x: () =>
        runKernel(inputGradient, { dy, filter }, { ...how, inputShape })[0]!,
      filter: () =>
        runKernel(filterGradient, { x, dy }, { ...how, filterShape })[0]!,
    };
  },
});
