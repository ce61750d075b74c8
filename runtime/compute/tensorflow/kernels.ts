import * as tf from '@tensorflow/tfjs-core';
import { bfloat16Kernels } from './bfloat16-conv.js';
import type { NodeBackend, OpAttribute } from './tfjs-node.js';

const epsilon = 1e-5;

type Inputs<Name extends string> = Record<Name, tf.Tensor>;

let registered = false;

/**
 * TensorFlow's fused operations for the kernels of distill/ops, which would
 * else be composed of many passes over memory. Checked against the composition
 * by the engines' contract.
 */
export function registerKernels(backend: NodeBackend): void {
  if (registered) return;
  registered = true;
  const ops = new FusedOps(backend);
  const kernels = {
    BatchNormOwn: (inputs: Inputs<'x' | 'weight' | 'bias'>) =>
      ops.normalizeByOwn(inputs),
    BatchNormOwnGrad: (inputs: NormalizedInputs) => ops.ownGradient(inputs),
    ReluGrad: (inputs: Inputs<'dy' | 'y'>) => ops.reluGradient(inputs),
    ...bfloat16Kernels(backend),
  };
  type Compute = (inputs: unknown, attributes: unknown) => tf.Tensor[];
  for (const [kernelName, compute] of Object.entries(kernels)) {
    const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) =>
      tf.tidy(() => (compute as Compute)(inputs, attrs));
    const backendName = 'tensorflow';
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
}

type NormalizedInputs = Inputs<'dy' | 'x' | 'weight' | 'mean' | 'variance'>;

class FusedOps {
  constructor(private readonly backend: NodeBackend) {}

  /** [y, mean, biased variance] */
  normalizeByOwn({ x, weight, bias }: Inputs<'x' | 'weight' | 'bias'>) {
    const empty = tf.tensor1d([]);
    // y, mean, unbiased variance, and what the gradient of this device wants:
    // the mean, the biased variance (GPU: 1 / sigma), something
    const [y, mean, unbiased] = this.run(
      'FusedBatchNormV3',
      this.normAttributes(),
      [x, weight, bias, empty, empty],
      6,
    );
    const samples = x.size / x.shape[3]!;
    return [y!, mean!, tf.mul(unbiased!, (samples - 1) / samples)];
  }

  /** [dx, dweight, dbias] */
  ownGradient({ dy, x, weight, mean, variance }: NormalizedInputs) {
    const saved = this.backend.isUsingGpuDevice
      ? tf.rsqrt(tf.add(variance, epsilon))
      : variance;
    return this.run(
      'FusedBatchNormGradV3',
      this.normAttributes(),
      [dy, x, weight, mean, saved, tf.tensor1d([])],
      5,
    ).slice(0, 3);
  }

  reluGradient({ dy, y }: Inputs<'dy' | 'y'>) {
    return this.run('ReluGrad', [this.type('T')], [dy, y], 1);
  }

  private run(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
    outputCount: number,
  ): tf.Tensor[] {
    return this.backend.executeMultipleOutputs(
      op,
      attributes,
      inputs,
      outputCount,
    );
  }

  private normAttributes(): OpAttribute[] {
    const { TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_STRING } =
      this.backend.binding;
    return [
      this.type('T'),
      this.type('U'),
      { name: 'epsilon', type: TF_ATTR_FLOAT, value: epsilon },
      { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
      { name: 'is_training', type: TF_ATTR_BOOL, value: true },
    ];
  }

  private type(name: string): OpAttribute {
    const { TF_ATTR_TYPE, TF_FLOAT } = this.backend.binding;
    return { name, type: TF_ATTR_TYPE, value: TF_FLOAT };
  }
}
