import * as tf from '@tensorflow/tfjs-core';
import type { Tail } from './batch-norm.js';
import { runKernel, type Kernel } from './kernel.js';
import { reluGradient } from './relu.js';

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
  const [output, mean, variance] = runWithTail(own, layer, tail);
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
  return runWithTail(given, inputs, tail)[0] as tf.Tensor4D;
}

function runWithTail<Input extends string>(
  norm: Kernel<Input>,
  inputs: Inputs<Input>,
  tail: Tail | undefined,
): tf.Tensor[] {
  if (!tail) return runKernel(norm, inputs);
  if (!tail.residual) return runKernel(withRelu(norm), inputs);
  return runKernel(withAddRelu(norm), { ...inputs, residual: tail.residual });
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

/** y */
const given: Kernel<Layer | Statistics> = {
  name: 'BatchNormGiven',
  compose: (inputs) => [normalize(inputs)],
};

/** max(y, 0), and the norm's other outputs. */
function withRelu<Input extends string>(norm: Kernel<Input>): Kernel<Input> {
  return {
    name: `${norm.name}Relu`,
    compose(inputs) {
      const [y, ...others] = runKernel(norm, inputs);
      return [tf.relu(y!), ...others];
    },
  };
}

/** max(y + residual, 0), and the norm's other outputs. */
function withAddRelu<Input extends string>(
  norm: Kernel<Input>,
): Kernel<Input | 'residual'> {
  return {
    name: `${norm.name}AddRelu`,
    compose(inputs) {
      const [y, ...others] = runKernel(norm, inputs);
      return [tf.relu(tf.add(y!, inputs.residual)), ...others];
    },
  };
}

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

/** The same from what came out of the ReLU. */
function ofRelu(
  gradient: Kernel<Differentiated>,
): Kernel<Differentiated | 'y'> {
  return {
    name: gradient.name.replace(/Grad$/, 'ReluGrad'),
    compose: ({ dy, y, ...layer }) =>
      runKernel(gradient, { ...layer, dy: reluGradient(dy, y) }),
  };
}

/** And the residual's gradient. */
function ofAddRelu(
  gradient: Kernel<Differentiated>,
): Kernel<Differentiated | 'y'> {
  return {
    name: gradient.name.replace(/Grad$/, 'AddReluGrad'),
    compose({ dy, y, ...layer }) {
      const dz = reluGradient(dy, y);
      return [...runKernel(gradient, { ...layer, dy: dz }), dz];
    },
  };
}

/** What a gradient reads of its kernel: inputs, y, and further outputs. */
interface Reads {
  readonly inputs: readonly ('x' | 'weight' | Statistics)[];
  readonly y: boolean;
  readonly statistics: readonly Statistics[];
}

function differentiateBy<Input extends string>(
  kernelName: string,
  gradient: Kernel<Input>,
  { inputs, y, statistics }: Reads,
): void {
  const names = [...inputs, ...(y ? ['y'] : []), ...statistics];
  tf.registerGradient({
    kernelName,
    inputsToSave: [...inputs],
    outputsToSave: [y, ...statistics.map(() => true)],
    gradFunc(dys, saved) {
      // Of several outputs' gradients only y's counts: statistics have none.
      const dy = Array.isArray(dys) ? dys[0]! : dys;
      const read = names.map((name, i) => [name, saved[i]!] as const);
      const [dx, dweight, dbias, dresidual] = runKernel(gradient, {
        ...(Object.fromEntries(read) as Inputs<Input>),
        dy,
      });
      return {
        x: () => dx!,
        weight: () => dweight!,
        bias: () => dbias!,
        ...(dresidual && { residual: () => dresidual }),
      };
    },
  });
}

function differentiate<Input extends Layer | Statistics>(
  norm: Kernel<Input>,
  gradient: Kernel<Differentiated>,
  reads: Omit<Reads, 'y'>,
): void {
  differentiateBy(norm.name, gradient, { ...reads, y: false });
  const rectified = { ...reads, y: true };
  differentiateBy(withRelu(norm).name, ofRelu(gradient), rectified);
  differentiateBy(withAddRelu(norm).name, ofAddRelu(gradient), rectified);
}

differentiate(own, ownGradient, {
  inputs: ['x', 'weight'],
  statistics: ['mean', 'variance'],
});

differentiate(given, givenGradient, {
  inputs: ['x', 'weight', 'mean', 'variance'],
  statistics: [],
});
