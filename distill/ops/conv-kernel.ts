import * as tf from '@tensorflow/tfjs-core';

/** [N, H, W, C] */
export type Shape4D = tf.Tensor4D['shape'];

/** How a filter moves; `same` at stride 1 only. */
export interface ConvAttributes {
  readonly strides: number;
  readonly pad: 'same' | 'valid';
}

export interface InputGradientAttributes extends ConvAttributes {
  readonly inputShape: Shape4D;
}

export interface FilterGradientAttributes extends ConvAttributes {
  readonly filterShape: Shape4D;
}

/** Runs a kernel of TensorFlow.js that belongs to a convolution, by its name. */
export function runConvKernel(
  kernel: string,
  inputs: tf.NamedTensorMap,
  { strides, pad }: ConvAttributes,
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

type ConvGradient<Attributes, Input extends string> = (
  inputs: Record<Input, tf.Tensor>,
  attributes: Attributes,
) => tf.Tensor;

/** Says what the gradients of a convolution with inputs x and filter are. */
export function registerConvGradient(
  kernelName: string,
  inputGradient: ConvGradient<InputGradientAttributes, 'dy' | 'filter'>,
  filterGradient: ConvGradient<FilterGradientAttributes, 'x' | 'dy'>,
): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dys, saved, attributes) => {
      const dy = Array.isArray(dys) ? dys[0]! : dys;
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const how = attributes as unknown as ConvAttributes;
      const [inputShape, filterShape] = [x.shape, filter.shape];
      return {
        x: () => inputGradient({ dy, filter }, { ...how, inputShape }),
        filter: () => filterGradient({ x, dy }, { ...how, filterShape }),
      };
    },
  });
}
