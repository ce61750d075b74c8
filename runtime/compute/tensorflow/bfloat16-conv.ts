import * as tf from '@tensorflow/tfjs-core';
import {
  type ConvAttributes,
  type FilterGradientAttributes,
  type InputGradientAttributes,
  runConvKernel,
} from '#distill/ops/conv-kernel.js';
import { ownCpuFeatures } from '../doctor.js';
import { attributesOf, type Attributes } from './operation.js';
import { Bfloat16Copies, castHandle } from './bfloat16-copies.js';
import { hidesCaches, isPointwise } from './pointwise-conv.js';
import type { NodeBackend } from './tfjs-node.js';

/**
 * TensorFlow's convolutions of bfloat16 for the kernels of
 * distill/ops/bfloat16-conv.ts. None where the processor has no
 * instructions for them: there the composition is faster.
 */
export function bfloat16Kernels(backend: NodeBackend) {
  if (!backend.isUsingGpuDevice && !hasInstructions()) return {};
  const convs = new Bfloat16Convs(backend);
  const asProducts = !backend.isUsingGpuDevice && hidesCaches();
  const takes = (filterShape: readonly number[]) =>
    hasPairs(filterShape) && !(asProducts && isPointwise(filterShape));
  type Inputs<Name extends string> = Record<Name, tf.Tensor>;
  return {
    Bfloat16Conv: (
      { x, filter }: Inputs<'x' | 'filter'>,
      how: ConvAttributes,
    ) =>
      takes(filter.shape)
        ? convs.run('Conv2D', [x, filter], how)
        : convs.rounded({ x, filter }, (inputs) =>
            runConvKernel(tf.Conv2D, inputs, how, {}),
          ),
    Bfloat16ConvInputGrad: (
      { dy, filter }: Inputs<'dy' | 'filter'>,
      { inputShape, ...how }: InputGradientAttributes,
    ) =>
      takes(filter.shape)
        ? convs.run('Conv2DBackpropInput', [inputShape, filter, dy], how)
        : convs.rounded({ dy, filter }, (inputs) =>
            runConvKernel(tf.Conv2DBackpropInput, inputs, how, { inputShape }),
          ),
    Bfloat16ConvFilterGrad: (
      { x, dy }: Inputs<'x' | 'dy'>,
      { filterShape, ...how }: FilterGradientAttributes,
    ) =>
      takes(filterShape)
        ? convs.run('Conv2DBackpropFilter', [x, filterShape, dy], how)
        : convs.rounded({ x, dy }, (inputs) =>
            runConvKernel(tf.Conv2DBackpropFilter, inputs, how, {
              filterShape,
            }),
          ),
  };
}

function hasInstructions(): boolean {
  return ownCpuFeatures().some((name) => /^(avx512|amx)_bf16$/.test(name));
}

/**
 * oneDNN 3.7, which TensorFlow 2.21 brings, packs two channels of a filter into one
 * word, and got filters with an odd number wrong on an AMD EPYC of family 26 (where
 * the first layer of 3 channels gave noise).
 */
function hasPairs([, , inputs, outputs]: readonly number[]): boolean {
  return inputs! % 2 === 0 && outputs! % 2 === 0;
}

class Bfloat16Convs {
  readonly #copies: Bfloat16Copies;

  constructor(private readonly backend: NodeBackend) {
    this.#copies = new Bfloat16Copies(backend);
  }

  /** The same sum: the rounded operands meet in float32. */
  rounded(
    operands: tf.NamedTensorMap,
    convolve: (operands: tf.NamedTensorMap) => tf.Tensor,
  ): tf.Tensor[] {
    const entries = Object.entries(operands).map(
      ([name, operand]) => [name, this.#round(operand)] as const,
    );
    return [this.#round(convolve(Object.fromEntries(entries)))];
  }

  /** @param inputs tensors of float32, and shapes */
  run(
    op: string,
    inputs: readonly (tf.Tensor | readonly number[])[],
    attributes: ConvAttributes,
  ): tf.Tensor[] {
    const handles = inputs.map((input) =>
      input instanceof tf.Tensor
        ? this.#copies.of(input)
        : this.#shapeHandle(input),
    );
    const own = attributesOf(this.backend, convAttributes(attributes));
    const { binding } = this.backend;
    const { id } = binding.executeOp(op, own, handles, 1)[0]!;
    try {
      return [this.#floatOf(id)];
    } finally {
      binding.deleteTensor(id);
    }
  }

  #round(tensor: tf.Tensor): tf.Tensor {
    return this.#floatOf(this.#copies.of(tensor));
  }

  #floatOf(half: number): tf.Tensor {
    const float = castHandle(this.backend, half, 'bfloat16', 'float32');
    return this.backend.createOutputTensor(float);
  }

  #shapeHandle(shape: readonly number[]): number {
    const tensor = tf.tensor1d([...shape], 'int32');
    return this.backend.getInputTensorIds([tensor])[0]!;
  }
}

function convAttributes({ strides, pad }: ConvAttributes): Attributes {
  return {
    T: { type: 'bfloat16' },
    strides: { int: [1, strides, strides, 1] },
    use_cudnn_on_gpu: { bool: true },
    padding: { string: pad.toUpperCase() },
    data_format: { string: 'NHWC' },
    dilations: { int: [1, 1, 1, 1] },
  };
}
