import * as tf from '@tensorflow/tfjs-core';
import type {
  ConvAttributes,
  FilterGradientAttributes,
  InputGradientAttributes,
} from '#distill/ops/conv-kernel.js';
import { ownCpuFeatures } from '../doctor.js';
import { attributesOf, type Attributes } from './operation.js';
import {
  Bfloat16Copies,
  castHandle,
  type Precision,
} from './bfloat16-copies.js';
import {
  hidesCaches,
  isPointwise,
  pointwiseConv,
  pointwiseFilterGradient,
  pointwiseInputGradient,
} from './pointwise-conv.js';
import type { NodeBackend } from './tfjs-node.js';

/**
 * TensorFlow's convolutions of bfloat16 for the kernels of
 * distill/ops/bfloat16-conv.ts. None where the processor has no
 * instructions for them: there the composition is faster.
 */
export function bfloat16Kernels(backend: NodeBackend) {
  if (!backend.isUsingGpuDevice && !hasInstructions()) return {};
  const convs = new Bfloat16Convs(backend);
  type Inputs<Name extends string> = Record<Name, tf.Tensor>;
  const asProducts = hidesCaches();
  return {
    Bfloat16Conv: (
      { x, filter }: Inputs<'x' | 'filter'>,
      how: ConvAttributes,
    ) =>
      asProducts && isPointwise(filter.shape)
        ? convs.rounded([x, filter], (images, weights) =>
            pointwiseConv(images, weights, how.strides),
          )
        : convs.run('Conv2D', [x, filter], filter.shape, how),
    Bfloat16ConvInputGrad: (
      { dy, filter }: Inputs<'dy' | 'filter'>,
      { inputShape, ...how }: InputGradientAttributes,
    ) => {
      const inputs = [inputShape, filter, dy];
      return asProducts && isPointwise(filter.shape)
        ? convs.rounded([dy, filter], (slope, weights) =>
            pointwiseInputGradient(slope, weights, how.strides, inputShape),
          )
        : convs.run('Conv2DBackpropInput', inputs, filter.shape, how);
    },
    Bfloat16ConvFilterGrad: (
      { x, dy }: Inputs<'x' | 'dy'>,
      { filterShape, ...how }: FilterGradientAttributes,
    ) => {
      const inputs = [x, filterShape, dy];
      return asProducts && isPointwise(filterShape)
        ? convs.rounded([x, dy], (images, slope) =>
            pointwiseFilterGradient(images, slope, how.strides, filterShape),
          )
        : convs.run('Conv2DBackpropFilter', inputs, filterShape, how);
    },
  };
}

function hasInstructions(): boolean {
  return ownCpuFeatures().some((name) => /^(avx512|amx)_bf16$/.test(name));
}

/**
 * bfloat16 for an even number of channels. oneDNN 3.7, which TensorFlow 2.21
 * brings, packs two channels of a filter into one word, and got filters with an
 * odd number wrong on an AMD EPYC of family 26 (where the first layer of 3 channels
 * gave noise): their rounded operands meet in float32, which is the same sum.
 */
function precisionFor(filterShape: readonly number[]): Precision {
  const [, , inputs, outputs] = filterShape;
  return inputs! % 2 === 0 && outputs! % 2 === 0 ? 'bfloat16' : 'float32';
}

class Bfloat16Convs {
  readonly #copies: Bfloat16Copies;

  constructor(private readonly backend: NodeBackend) {
    this.#copies = new Bfloat16Copies(backend);
  }

  /** What `f` makes of the operands, all of them rounded. */
  rounded(
    [left, right]: readonly [tf.Tensor, tf.Tensor],
    f: (left: tf.Tensor, right: tf.Tensor) => tf.Tensor,
  ): tf.Tensor[] {
    return [this.#round(f(this.#round(left), this.#round(right)))];
  }

  #round(tensor: tf.Tensor): tf.Tensor {
    const copy = this.#copies.of(tensor);
    return this.backend.createOutputTensor(
      castHandle(this.backend, copy, 'bfloat16', 'float32'),
    );
  }

  /** @param inputs tensors of float32, and shapes */
  run(
    op: string,
    inputs: readonly (tf.Tensor | readonly number[])[],
    filterShape: readonly number[],
    attributes: ConvAttributes,
  ): tf.Tensor[] {
    const owned: number[] = [];
    const cast = (id: number, from: Precision, to: Precision) => {
      if (from === to) return id;
      const { id: result } = castHandle(this.backend, id, from, to);
      owned.push(result);
      return result;
    };
    const precision = precisionFor(filterShape);
    try {
      const handles = inputs.map((input) =>
        input instanceof tf.Tensor
          ? cast(this.#copies.of(input), 'bfloat16', precision)
          : this.#shapeHandle(input),
      );
      const how = convAttributes(precision, attributes);
      const own = attributesOf(this.backend, how);
      const { binding } = this.backend;
      const { id: result } = binding.executeOp(op, own, handles, 1)[0]!;
      owned.push(result);
      const rounded = cast(result, precision, 'bfloat16');
      const output = castHandle(this.backend, rounded, 'bfloat16', 'float32');
      return [this.backend.createOutputTensor(output)];
    } finally {
      for (const id of owned) this.backend.binding.deleteTensor(id);
    }
  }

  #shapeHandle(shape: readonly number[]): number {
    const tensor = tf.tensor1d([...shape], 'int32');
    return this.backend.getInputTensorIds([tensor])[0]!;
  }
}

function convAttributes(
  precision: Precision,
  { strides, pad }: ConvAttributes,
): Attributes {
  return {
    T: { type: precision },
    strides: { int: [1, strides, strides, 1] },
    use_cudnn_on_gpu: { bool: true },
    padding: { string: pad.toUpperCase() },
    data_format: { string: 'NHWC' },
    dilations: { int: [1, 1, 1, 1] },
  };
}
