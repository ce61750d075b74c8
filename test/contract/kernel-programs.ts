import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '#distill/losses/cross-entropy.js';
import type { Mode } from '#distill/models/network.js';
import { batchNorm, type Tail } from '#distill/ops/batch-norm.js';
import { filterOf } from '#distill/ops/filter-layout.js';
import { sgd } from '#distill/optimiser.js';
import { withPrefix } from '#distill/prefixes.js';
import type { Program } from '#distill/program.js';
import type { NamedHostTensors, NamedTensors } from '#distill/tensors.js';
import { normal } from './engine-programs.js';

/**
 * The kernels that engines may bring faster ones of, on shapes that are no
 * multiple of anything: more rows than a block, fewer outputs than a tile.
 */

const channels = 7;
const shape = [5, 17, 18, channels] as const;
const filters = [
  [20, 3, 3, 3],
  [3, 5, 1, 1],
  [16, 2, 7, 7],
] as const;
const vector = { shape: [channels], dataType: 'float32' } as const;

/** Batch norm with each tail, its gradients and its statistics. */
export const norms: Program = {
  name: 'batch norms',
  state: {},
  inputs: {
    x: { shape, dataType: 'float32' },
    residual: { shape, dataType: 'float32' },
    slope: { shape, dataType: 'float32' },
    'bn.weight': vector,
    'bn.bias': vector,
    'bn.running_mean': vector,
    'bn.running_var': vector,
    'bn.num_batches_tracked': { shape: [], dataType: 'int32' },
  },
  run(_, { x, residual, slope, ...layer }) {
    const tails: Record<string, Tail | undefined> = {
      none: undefined,
      relu: { relu: true },
      addRelu: { relu: true, residual: residual as tf.Tensor4D },
    };
    const outputs: Record<string, tf.Tensor> = {};
    for (const mode of ['train', 'eval'] as const)
      for (const [name, tail] of Object.entries(tails))
        Object.assign(
          outputs,
          withPrefix(`${mode}.${name}`, norm(mode, tail, x!, slope!, layer)),
        );
    return { state: {}, outputs };
  },
};

function norm(
  mode: Mode,
  tail: Tail | undefined,
  x: tf.Tensor,
  slope: tf.Tensor,
  layer: NamedTensors,
): NamedTensors {
  const run = (
    input: tf.Tensor,
    weight: tf.Tensor,
    bias: tf.Tensor,
    residual: tf.Tensor,
  ) => {
    const tensors = { ...layer, 'bn.weight': weight, 'bn.bias': bias };
    const own = tail?.residual && { residual: residual as tf.Tensor4D };
    const following = tail && { relu: true as const, ...own };
    return batchNorm(input as tf.Tensor4D, tensors, 'bn', 'train', following);
  };
  const { 'bn.weight': weight, 'bn.bias': bias } = layer;
  const inputs = [x, weight!, bias!, tail?.residual ?? x] as const;
  const { output, buffers } = run(...inputs);
  const gradients = tf.grads((...given: tf.Tensor[]) => {
    const [input, ownWeight, ownBias, residual] = given;
    const y = run(input!, ownWeight!, ownBias!, residual!).output;
    // Without a residual nothing else depends on it.
    return tail?.residual ? y : tf.add(y, tf.mul(residual!, 0));
  })([...inputs], slope);
  return {
    y: output,
    ...buffers,
    ...Object.fromEntries(
      gradients.map((gradient, i) => [`gradient${i}`, gradient]),
    ),
  };
}

export const normInputs = (): NamedHostTensors => ({
  ...{ x: normal('x', shape), residual: normal('residual', shape) },
  slope: normal('slope', shape),
  'bn.weight': normal('weight', [channels]),
  'bn.bias': normal('bias', [channels]),
  'bn.running_mean': normal('mean', [channels]),
  'bn.running_var': { shape: [channels], data: ones() },
  'bn.num_batches_tracked': { shape: [], data: Int32Array.of(3) },
});

const ones = () => new Float32Array(channels).fill(1);

/** Filters there and back, cross-entropy with its gradient, and a step of SGD. */
export const others: Program = {
  name: 'filters, cross-entropy and SGD',
  state: {},
  inputs: {
    ...Object.fromEntries(
      filters.map((size, i) => [
        `filter${i}`,
        { shape: size, dataType: 'float32' } as const,
      ]),
    ),
    logits: { shape: [5, 9], dataType: 'float32' },
    labels: { shape: [5], dataType: 'int32' },
    rate: { shape: [], dataType: 'float32' },
  },
  run(_, { logits, labels, rate, ...given }) {
    const outputs: Record<string, tf.Tensor> = {};
    const weights = Object.values(given);
    for (const [i, weight] of weights.entries()) {
      const filter = filterOf(weight);
      outputs[`filter${i}`] = filter;
      outputs[`back${i}`] = tf.grad(filterOf)(weight, filter);
    }
    const lossOf = (input: tf.Tensor) =>
      crossEntropy(input as tf.Tensor2D, labels as tf.Tensor1D);
    outputs['loss'] = lossOf(logits!);
    outputs['dlogits'] = tf.grad(lossOf)(logits!);
    const graded = weights.map((weight) => ({
      weight,
      gradient: tf.square(weight),
      velocity: tf.mul(weight, 0.3),
    }));
    const options = { momentum: 0.9, weightDecay: 0.1 };
    for (const [i, moved] of sgd(
      graded,
      rate as tf.Scalar,
      options,
    ).entries()) {
      outputs[`weight${i}`] = moved.weight;
      outputs[`velocity${i}`] = moved.velocity;
    }
    return { state: {}, outputs };
  },
};

export const otherInputs = (): NamedHostTensors => ({
  ...Object.fromEntries(
    filters.map((size, i) => [`filter${i}`, normal(`filter${i}`, size)]),
  ),
  logits: normal('logits', [5, 9], 3),
  labels: { shape: [5], data: Int32Array.of(8, 0, 3, 3, 7) },
  rate: { shape: [], data: Float32Array.of(0.05) },
});
