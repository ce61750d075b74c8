import * as tf from '@tensorflow/tfjs-core';
import type { Mode } from '../models/network.js';
import type { NamedTensors } from '../tensors.js';
import { runKernel, type Kernel } from './kernel.js';

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
): Normalized {
  const [weight, bias, runningMean, runningVar, count] = fields.map(
    (field) => tensors[`${prefix}.${field}`]!,
  ) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Scalar];
  if (mode === 'eval') {
    const inputs = { x, weight, bias, mean: runningMean, variance: runningVar };
    const [output] = runKernel(given, inputs);
    return { output: output as tf.Tensor4D, buffers: {} };
  }
  const samples = x.size / x.shape[3];
  if (samples < 2) throw new RangeError(`${prefix}: one value per channel`);
  const [output, mean, variance] = runKernel(own, { x, weight, bias });
  const unbiased = tf.mul(variance!, samples / (samples - 1));
  return {
    output: output as tf.Tensor4D,
    buffers: {
      [`${prefix}.running_mean`]: blend(runningMean, mean!),
      [`${prefix}.running_var`]: blend(runningVar, unbiased),
      [`${prefix}.num_batches_tracked`]: tf.add(count, tf.scalar(1, 'int32')),
    },
  };
}

function blend(running: tf.Tensor1D, batch: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum));
}

/** With x's own statistics: y, and mean and biased variance by channel. */
const own: Kernel<'x' | 'weight' | 'bias'> = {
  name: 'BatchNormOwn',
  compose({ x, weight, bias }) {
    const mean = channelMean(x);
    const variance = channelMean(tf.square(tf.sub(x, mean)));
    return [normalize({ x, weight, bias, mean, variance }), mean, variance];
  },
};

/** With given statistics: y. */
const given: Kernel<'x' | 'weight' | 'bias' | 'mean' | 'variance'> = {
  name: 'BatchNormGiven',
  compose: (inputs) => [normalize(inputs)],
};

function normalize({
  x,
  weight,
  bias,
  mean,
  variance,
}: Record<'x' | 'weight' | 'bias' | 'mean' | 'variance', tf.Tensor>) {
  const scale = tf.mul(weight, inverseSigma(variance));
  return tf.add(tf.mul(x, scale), tf.sub(bias, tf.mul(mean, scale)));
}

function inverseSigma(variance: tf.Tensor): tf.Tensor {
  return tf.rsqrt(tf.add(variance, epsilon));
}

/**
 * The mean over N, H and W. A global average pool is the one reduction that no
 * backend turns into a transposition of the whole tensor first.
 */
function channelMean(x: tf.Tensor): tf.Tensor1D {
  const [, height, width] = x.shape as tf.Tensor4D['shape'];
  const pooled = tf.avgPool(x as tf.Tensor4D, [height, width], 1, 'valid'); // [N, 1, 1, C]
  return tf.mean(pooled, [0, 1, 2]);
}

type GradientInput = 'dy' | 'x' | 'weight' | 'mean' | 'variance';

/**
 * [dx, dweight, dbias], all at once, with xhat = (x - mean) / sigma:
 *
 *   dbias = sum dy      dweight = sum dy xhat      (over N, H, W; M values)
 *   dx = weight / sigma (dy - dbias / M - xhat dweight / M)
 */
const ownGradient: Kernel<GradientInput> = {
  name: 'BatchNormOwnGrad',
  compose(inputs) {
    const { dy, scale, inverse, centred, meanDy, meanDyHat } = parts(inputs);
    const slope = tf.mul(tf.mul(scale, inverse), meanDyHat);
    const dx = tf.sub(
      tf.mul(tf.sub(dy, meanDy), scale),
      tf.mul(centred, slope),
    );
    return [dx, ...sums(inputs.x, meanDy, meanDyHat)];
  },
};

/** The same with statistics that do not depend on x: dx = weight / sigma dy. */
const givenGradient: Kernel<GradientInput> = {
  name: 'BatchNormGivenGrad',
  compose(inputs) {
    const { dy, scale, meanDy, meanDyHat } = parts(inputs);
    return [tf.mul(dy, scale), ...sums(inputs.x, meanDy, meanDyHat)];
  },
};

function parts(inputs: Readonly<Record<GradientInput, tf.Tensor>>) {
  const { dy, x, weight, mean, variance } = inputs;
  const inverse = inverseSigma(variance);
  const centred = tf.sub(x, mean);
  return {
    dy,
    inverse,
    centred,
    scale: tf.mul(weight, inverse),
    meanDy: channelMean(dy),
    meanDyHat: tf.mul(channelMean(tf.mul(dy, centred)), inverse),
  };
}

/** dweight and dbias from the means. */
function sums(x: tf.Tensor, meanDy: tf.Tensor, meanDyHat: tf.Tensor) {
  const samples = x.size / x.shape.at(-1)!;
  return [tf.mul(meanDyHat, samples), tf.mul(meanDy, samples)];
}

const gradient =
  (kernel: Kernel<GradientInput>): tf.GradFunc =>
  (dys, [x, weight, mean, variance]) => {
    // Of several outputs' gradients only y's counts: statistics have none.
    const dy = Array.isArray(dys) ? dys[0]! : dys;
    const inputs = { dy, x, weight, mean, variance };
    const [dx, dweight, dbias] = runKernel(kernel, inputs as Gradients);
    return { x: () => dx!, weight: () => dweight!, bias: () => dbias! };
  };

type Gradients = Record<GradientInput, tf.Tensor>;

tf.registerGradient({
  kernelName: own.name,
  inputsToSave: ['x', 'weight'],
  outputsToSave: [false, true, true],
  gradFunc: gradient(ownGradient),
});

tf.registerGradient({
  kernelName: given.name,
  inputsToSave: ['x', 'weight', 'mean', 'variance'],
  gradFunc: gradient(givenGradient),
});
