import * as tf from '@tensorflow/tfjs-core';
import type { Mode } from '../models/network.js';
import type { NamedTensors } from '../tensors.js';
import { normalizeByGiven, normalizeByOwn } from './batch-norm-kernels.js';
import { runKernel, type Kernel } from './kernel.js';

/** torch's default of nn.BatchNorm2d. */
const momentum = 0.1;

/** The tensors of one layer; all float32 [C] but the int32 scalar count. */
const fields = [
  'weight',
  'bias',
  'running_mean',
  'running_var',
  'num_batches_tracked',
] as const;

interface Normalized {
  /** [N, H, W, C] */
  readonly output: tf.Tensor4D;
  /** New running statistics by full name; empty in eval mode. */
  readonly buffers: NamedTensors;
}

/**
 * What follows the norm, for engines to do in the same pass over memory:
 * max(y, 0), or max(y + residual, 0).
 */
export interface Tail {
  readonly relu: true;
  /** [N, H, W, C] */
  readonly residual?: tf.Tensor4D;
}

/**
 * Batch normalisation over N, H and W with torch's semantics: the batch is
 * normalised with its biased variance, the running variance takes the unbiased
 * one.
 *
 *   y = weight (x - mean) / sigma + bias      sigma = sqrt(variance + 1e-5)
 *
 * @param x [N, H, W, C]
 * @param prefix the layer's name in `tensors`, e.g. `layer1.0.bn1`
 * @throws RangeError in train mode for a single value per channel
 */
export function batchNorm(
  x: tf.Tensor4D,
  tensors: NamedTensors,
  prefix: string,
  mode: Mode,
  tail?: Tail,
): Normalized {
  const [weight, bias, mean, variance, count] = fields.map(
    (field) => tensors[`${prefix}.${field}`]!,
  ) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Scalar];
  const layer = { x, weight, bias };
  if (mode === 'eval') {
    const output = normalizeByGiven({ ...layer, mean, variance }, tail);
    return { output, buffers: {} };
  }
  const samples = x.size / x.shape[3];
  if (samples < 2) throw new RangeError(`${prefix}: one value per channel`);
  const own = normalizeByOwn(layer, tail);
  const [runningMean, runningVariance] = runKernel(
    runningStatistics,
    { runningMean: mean, runningVariance: variance, ...own.statistics },
    { momentum, samples },
  );
  return {
    output: own.output,
    buffers: {
      [`${prefix}.running_mean`]: runningMean!,
      [`${prefix}.running_var`]: runningVariance!,
      [`${prefix}.num_batches_tracked`]: tf.add(count, tf.scalar(1, 'int32')),
    },
  };
}

export interface RunningAttributes {
  readonly momentum: number;
  /** Values of a channel in the batch. */
  readonly samples: number;
}

type RunningInput = 'runningMean' | 'runningVariance' | 'mean' | 'variance';

/** The new ones; `variance` is the batch's biased one. */
const runningStatistics: Kernel<RunningInput, RunningAttributes> = {
  name: 'RunningStatistics',
  compose(inputs, { momentum, samples }) {
    const { runningMean, runningVariance, mean, variance } = inputs;
    const blend = (running: tf.Tensor, batch: tf.Tensor) =>
      tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum));
    const unbiased = tf.mul(variance, samples / (samples - 1));
    return [blend(runningMean, mean), blend(runningVariance, unbiased)];
  },
};
