import * as tf from '@tensorflow/tfjs-core';
import { type Attributes, operationsOn } from './operation.js';
import type { NodeBackend } from './tfjs-node.js';

const epsilon = 1e-5;

type Inputs<Name extends string> = Record<Name, tf.Tensor>;

/** By TensorFlow's own fused operations, on every device. */
export function fusedKernels(backend: NodeBackend) {
  const run = operationsOn(backend);
  return {
    /** [y, mean, biased variance] */
    BatchNormOwn({ x, weight, bias }: Inputs<'x' | 'weight' | 'bias'>) {
      const empty = tf.tensor1d([]);
      // y, mean, unbiased variance, and what the gradient of this device wants:
      // the mean, the biased variance (GPU: 1 / sigma), something
      const inputs = [x, weight, bias, empty, empty];
      const outputs = run('FusedBatchNormV3', normAttributes, inputs, 6);
      const [y, mean, unbiased] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor];
      const samples = x.size / x.shape[3]!;
      return [y, mean, tf.mul(unbiased, (samples - 1) / samples)];
    },
    /** [dx, dweight, dbias] */
    BatchNormOwnGrad({
      dy,
      x,
      weight,
      mean,
      variance,
    }: Inputs<'dy' | 'x' | 'weight' | 'mean' | 'variance'>) {
      const saved = backend.isUsingGpuDevice
        ? tf.rsqrt(tf.add(variance, epsilon))
        : variance;
      const inputs = [dy, x, weight, mean, saved, tf.tensor1d([])];
      return run('FusedBatchNormGradV3', normAttributes, inputs, 5).slice(0, 3);
    },
    ReluGrad: ({ dy, y }: Inputs<'dy' | 'y'>) =>
      run('ReluGrad', { T: { type: 'float32' } }, [dy, y], 1),
    /** [losses, gradient] */
    SoftmaxCrossEntropy: ({ logits, labels }: Inputs<'logits' | 'labels'>) =>
      run(
        'SparseSoftmaxCrossEntropyWithLogits',
        { T: { type: 'float32' }, Tlabels: { type: 'int32' } },
        [logits, labels],
        2,
      ),
  };
}

const normAttributes: Attributes = {
  T: { type: 'float32' },
  U: { type: 'float32' },
  epsilon: { float: epsilon },
  data_format: { string: 'NHWC' },
  is_training: { bool: true },
};
