import * as tf from '@tensorflow/tfjs-core';
import type {
  ConvAttributes,
  FilterGradientAttributes,
  InputGradientAttributes,
} from '#distill/ops/conv-kernel.js';
import { ownCpuFeatures } from '../doctor.js';
import type { NodeBackend, OpAttribute, OutputHandle } from './tfjs-node.js';

/** As TensorFlow numbers its types; tfjs-node has no name for it. */
const bfloat16 = 14;

/**
 * TensorFlow's convolutions of bfloat16 for the kernels of
 * distill/ops/bfloat16-conv.ts. TensorFlow.js knows no such tensors, so they live
 * as bare handles between two casts. None where the processor has no instructions
 * for them: there the composition is faster.
 */
export function bfloat16Kernels(backend: NodeBackend) {
  if (!backend.isUsingGpuDevice && !hasInstructions()) return {};
  const convs = new Bfloat16Convs(backend);
  type Inputs<Name extends string> = Record<Name, tf.Tensor>;
  return {
    Bfloat16Conv: (
      { x, filter }: Inputs<'x' | 'filter'>,
      attributes: ConvAttributes,
    ) => [convs.run('Conv2D', [x, filter], attributes)],
    Bfloat16ConvInputGrad: (
      { dy, filter }: Inputs<'dy' | 'filter'>,
      { inputShape, ...how }: InputGradientAttributes,
    ) => [convs.run('Conv2DBackpropInput', [inputShape, filter, dy], how)],
    Bfloat16ConvFilterGrad: (
      { x, dy }: Inputs<'x' | 'dy'>,
      { filterShape, ...how }: FilterGradientAttributes,
    ) => [convs.run('Conv2DBackpropFilter', [x, filterShape, dy], how)],
  };
}

function hasInstructions(): boolean {
  return ownCpuFeatures().some((name) => /^(avx512|amx)_bf16$/.test(name));
}

class Bfloat16Convs {
  constructor(private readonly backend: NodeBackend) {}

  /** @param inputs tensors of float32, and shapes */
  run(
    op: string,
    inputs: readonly (tf.Tensor | readonly number[])[],
    attributes: ConvAttributes,
  ): tf.Tensor {
    const { binding } = this.backend;
    const { TF_FLOAT } = binding;
    const owned: number[] = [];
    const own = ({ id }: OutputHandle) => {
      owned.push(id);
      return id;
    };
    try {
      const handles = inputs.map((input) =>
        input instanceof tf.Tensor
          ? own(this.cast(this.handleOf(input), TF_FLOAT, bfloat16))
          : this.handleOf(tf.tensor1d([...input], 'int32')),
      );
      const half = own(
        this.execute(op, this.attributesOf(attributes), handles),
      );
      return this.backend.createOutputTensor(
        this.cast(half, bfloat16, TF_FLOAT),
      );
    } finally {
      for (const id of owned) binding.deleteTensor(id);
    }
  }

  private cast(id: number, from: number, to: number): OutputHandle {
    const { TF_ATTR_BOOL } = this.backend.binding;
    const attributes = [
      this.type('SrcT', from),
      this.type('DstT', to),
      { name: 'Truncate', type: TF_ATTR_BOOL, value: false },
    ];
    return this.execute('Cast', attributes, [id]);
  }

  private attributesOf({ strides, pad }: ConvAttributes): OpAttribute[] {
    const { TF_ATTR_BOOL, TF_ATTR_INT, TF_ATTR_STRING } = this.backend.binding;
    const padding = pad.toUpperCase();
    return [
      this.type('T', bfloat16),
      { name: 'strides', type: TF_ATTR_INT, value: [1, strides, strides, 1] },
      { name: 'use_cudnn_on_gpu', type: TF_ATTR_BOOL, value: true },
      { name: 'padding', type: TF_ATTR_STRING, value: padding },
      { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
      { name: 'dilations', type: TF_ATTR_INT, value: [1, 1, 1, 1] },
    ];
  }

  private handleOf(tensor: tf.Tensor): number {
    return this.backend.getInputTensorIds([tensor])[0]!;
  }

  private execute(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
  ): OutputHandle {
    return this.backend.binding.executeOp(op, attributes, inputs, 1)[0]!;
  }

  private type(name: string, value: number): OpAttribute {
    return { name, type: this.backend.binding.TF_ATTR_TYPE, value };
  }
}
