import * as tf from '@tensorflow/tfjs-core';
import type { Tail } from './batch-norm.js';
import { runKernel, type Kernel } from './kernel.js';
import { relu, reluGradient } from './relu.js';

/** torch's default of nn.BatchNorm2d. */
const epsilon = 1e-5;

type Layer = 'x' | 'weight' | 'bias';
type Statistics = 'mean' | 'variance';
type Inputs<Name extends string> = Readonly<Record<Name, tf.Tensor>>;

interface NormalizedByOwn {
  /** [N, H, W, C] */
  readonly output: tf.Tensor4D;
  /** Mean and biased variance by channel. */
  readonly statistics: Inputs<Statistics>;
}

/** With x's own statistics. */
export function normalizeByOwn(
  layer: Inputs<Layer>,
  tail?: Tail,
): NormalizedByOwn {
  const [output, mean, variance] = tail?.residual
    ? runKernel(ownAddRelu, { ...layer, residual: tail.residual })
    : runKernel(tail ? ownRelu : own, layer);
  return {
    output: output as tf.Tensor4D,
    statistics: { mean: mean!, variance: variance! },
  };
}

/** With given statistics. */
export function normalizeByGiven(
  inputs: Inputs<Layer | Statistics>,
  tail?: Tail,
): tf.Tensor4D {
  const [y] = runKernel(given, inputs) as [tf.Tensor4D];
  if (!tail) return y;
  return relu(tail.residual ? tf.add(y, tail.residual) : y);
}

/** y, and mean and biased variance by channel. */
const own: Kernel<Layer> = {
  name: 'BatchNormOwn',
  compose({ x, weight, bias }) {
    const mean = channelMean(x);
    const variance = channelMean(tf.square(tf.sub(x, mean)));
    return [normalize({ x, weight, bias, mean, variance }), mean, variance];
  },
};

const ownRelu: Kernel<Layer> = {
  name: 'BatchNormOwnRelu',
  compose(layer) {
    const [y, ...statistics] = runKernel(own, layer);
    return [tf.relu(y!), ...statistics];
  },
};

const ownAddRelu: Kernel<Layer | 'residual'> = {
  name: 'BatchNormOwnAddRelu',
  compose({ residual, ...layer }) {
    const [y, ...statistics] = runKernel(own, layer);
    return [tf.relu(tf.add(y!, residual)), ...statistics];
  },
};

const given: Kernel<Layer | Statistics> = {
  name: 'BatchNormGiven',
  compose: (inputs) => [normalize(inputs)],
};

function normalize(inputs: Inputs<Layer | Statistics>): tf.Tensor {
  const { x, weight, bias, mean, variance } = inputs;
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

type Differentiated = 'dy' | 'x' | 'weight' | Statistics;

/**
 * [dx, dweight, dbias], all at once, with xhat = (x - mean) / sigma:
 *
 *   dbias = sum dy      dweight = sum dy xhat      (over N, H, W; M values)
 *   dx = weight / sigma (dy - dbias / M - xhat dweight / M)
 */
const ownGradient: Kernel<Differentiated> = {
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

/** The same from what came out of the ReLU. */
const ownReluGradient: Kernel<Differentiated | 'y'> = {
  name: 'BatchNormOwnReluGrad',
  compose: ({ dy, y, ...layer }) =>
    runKernel(ownGradient, { ...layer, dy: reluGradient(dy, y) }),
};

/** And the residual's gradient. */
const ownAddReluGradient: Kernel<Differentiated | 'y'> = {
  name: 'BatchNormOwnAddReluGrad',
  compose({ dy, y, ...layer }) {
    const dz = reluGradient(dy, y);
    return [...runKernel(ownGradient, { ...layer, dy: dz }), dz];
  },
};

/** With statistics that do not depend on x: dx = weight / sigma dy. */
const givenGradient: Kernel<Differentiated> = {
  name: 'BatchNormGivenGrad',
  compose(inputs) {
    const { dy, scale, meanDy, meanDyHat } = parts(inputs);
    return [tf.mul(dy, scale), ...sums(inputs.x, meanDy, meanDyHat)];
  },
};

function parts({ dy, x, weight, mean, variance }: Inputs<Differentiated>) {
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

/**
 * Says what the gradient of a kernel is.
 * @param saved which of y, mean and variance it reads
 * @param gradientOf in the order of x, weight, bias and a residual
 */
function differentiateBy(
  kernelName: string,
  inputsToSave: readonly string[],
  outputsToSave: readonly boolean[],
  gradientOf: (dy: tf.Tensor, saved: readonly tf.Tensor[]) => tf.Tensor[],
): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: [...inputsToSave],
    outputsToSave: [...outputsToSave],
    gradFunc(dys, saved) {
      // Of several outputs' gradients only y's counts: statistics have none.
      const dy = Array.isArray(dys) ? dys[0]! : dys;
      const [dx, dweight, dbias, dresidual] = gradientOf(dy, saved);
      return {
        x: () => dx!,
        weight: () => dweight!,
        bias: () => dbias!,
        ...(dresidual && { residual: () => dresidual }),
      };
    },
  });
}

for (const { kernel, gradient } of [
  { kernel: ownRelu, gradient: ownReluGradient },
  { kernel: ownAddRelu, gradient: ownAddReluGradient },
])
  differentiateBy(
    kernel.name,
    ['x', 'weight'],
    [true, true, true],
    (dy, [x, weight, y, mean, variance]) =>
      runKernel(gradient, {
        ...{ dy, x: x!, weight: weight! },
        ...{ y: y!, mean: mean!, variance: variance! },
      }),
  );

differentiateBy(
  own.name,
  ['x', 'weight'],
  [false, true, true],
  (dy, [x, weight, mean, variance]) =>
    runKernel(ownGradient, {
      ...{ dy, x: x!, weight: weight! },
      ...{ mean: mean!, variance: variance! },
    }),
);

differentiateBy(
  given.name,
  ['x', 'weight', 'mean', 'variance'],
  [],
  (dy, [x, weight, mean, variance]) =>
    runKernel(givenGradient, {
      ...{ dy, x: x!, weight: weight! },
      ...{ mean: mean!, variance: variance! },
    }),
);
