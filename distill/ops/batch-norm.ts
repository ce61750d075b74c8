import * as tf from '@tensorflow/tfjs-core';
import type { Mode } from '../models/network.js';
import type { NamedTensors } from '../tensors.js';

/** torch's defaults of nn.BatchNorm2d. */
const epsilon = 1e-5;
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
 * Batch normalisation over N, H and W with torch's semantics: the batch is
 * normalised with its biased variance, the running variance takes the unbiased
 * one.
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
): Normalized {
  const [weight, bias, runningMean, runningVar, count] = fields.map(
    (field) => tensors[`${prefix}.${field}`]!,
  ) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Scalar];
  if (mode === 'eval') {
    const given = { mean: runningMean, variance: runningVar };
    return { output: normalize(x, weight, bias, given, 'given'), buffers: {} };
  }
  const samples = x.size / x.shape[3];
  if (samples < 2) throw new RangeError(`${prefix}: one value per channel`);
  const own = batchStatistics(x);
  const { mean, variance } = own;
  const unbiased = tf.mul(variance, samples / (samples - 1));
  return {
    output: normalize(x, weight, bias, own, 'own'),
    buffers: {
      [`${prefix}.running_mean`]: blend(runningMean, mean),
      [`${prefix}.running_var`]: blend(runningVar, unbiased),
      [`${prefix}.num_batches_tracked`]: tf.add(count, tf.scalar(1, 'int32')),
    },
  };
}

function blend(running: tf.Tensor1D, batch: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum));
}

/**
 * The mean over N, H and W. A global average pool is the one reduction that no
 * backend turns into a transposition of the whole tensor first.
 */
function channelMean(x: tf.Tensor4D): tf.Tensor1D {
  const [, height, width] = x.shape;
  const pooled = tf.avgPool(x, [height, width], 1, 'valid'); // [N, 1, 1, C]
  return tf.mean(pooled, [0, 1, 2]);
}

interface Statistics {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/** Mean and biased variance by channel, without a gradient. */
function batchStatistics(x: tf.Tensor4D): Statistics {
  const [mean, variance] = tf.unstack(statistics(x)); // each [C]
  return { mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}

/** A custom gradient (of zero), so that the tape keeps no copy of x. */
const statistics = tf.customGrad((input) => {
  const x = input as tf.Tensor4D;
  const mean = channelMean(x);
  const variance = channelMean(tf.square(tf.sub(x, mean)));
  const value = tf.stack([mean, variance]); // [2, C]
  return { value, gradFunc: () => tf.zerosLike(x) };
});

/**
 * y = gamma (x - mean) / sigma + beta with sigma = sqrt(variance + epsilon),
 * and all three gradients at once:
 *
 *   dbeta = sum dy      dgamma = sum dy xhat      (over N, H, W; M values)
 *   dx = gamma / sigma dy                                   given statistics
 *   dx = gamma / sigma (dy - dbeta / M - xhat dgamma / M)   x's own
 */
function normalize(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  { mean, variance }: Statistics,
  statistics: 'own' | 'given',
): tf.Tensor4D {
  const apply = tf.customGrad((...args) => {
    const [input, weight, bias, save] = args as unknown as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.GradSaveFunc,
    ];
    const inverse = tf.rsqrt(tf.add(variance, epsilon)); // 1 / sigma
    const scale = tf.mul(weight, inverse);
    const shift = tf.sub(bias, tf.mul(mean, scale));
    save([input, mean, inverse, scale]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      gradients(dy as tf.Tensor4D, saved as Saved, statistics);
    return { value: tf.add(tf.mul(input, scale), shift), gradFunc };
  });
  return apply(x, gamma, beta) as tf.Tensor4D;
}

/** x, mean, 1 / sigma, gamma / sigma */
type Saved = [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];

function gradients(
  dy: tf.Tensor4D,
  [x, mean, inverse, scale]: Saved,
  statistics: 'own' | 'given',
): tf.Tensor[] {
  return tf.tidy(() => {
    const samples = x.size / x.shape[3];
    const centred = tf.sub<tf.Tensor4D>(x, mean);
    const meanDy = channelMean(dy);
    const meanDyHat = tf.mul(channelMean(tf.mul(dy, centred)), inverse);
    const slope = tf.mul(tf.mul(scale, inverse), meanDyHat);
    const dx =
      statistics === 'given'
        ? tf.mul(dy, scale)
        : tf.sub(tf.mul(tf.sub(dy, meanDy), scale), tf.mul(centred, slope));
    return [dx, tf.mul(meanDyHat, samples), tf.mul(meanDy, samples)];
  });
}
