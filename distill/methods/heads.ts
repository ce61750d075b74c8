import type * as tf from '@tensorflow/tfjs-core';
import type { Rng } from '../data/rng.js';
import { batchNormLayer } from '../models/layers.js';
import { linear } from '../ops/linear.js';
import { initLinear } from '../projection.js';
import {
  drawTensor,
  sizeOf,
  type HostTensor,
  type NamedHostTensors,
  type NamedTensors,
} from '../tensors.js';
import type { MethodState } from './method.js';

type Heads = MethodState<NamedHostTensors>;

export const noHeads: Heads = { trainable: {}, buffers: {} };

/** Heads of several makers as one; later names win. */
export function joinHeads(parts: readonly Heads[]): Heads {
  const merge = (kind: keyof Heads) =>
    Object.fromEntries(parts.flatMap((part) => Object.entries(part[kind])));
  return { trainable: merge('trainable'), buffers: merge('buffers') };
}

/** A linear layer, `<name>.weight` [out, in] and `<name>.bias` [out]. */
export function linearHead(
  name: string,
  input: number,
  output: number,
  rng: Rng,
): Heads {
  const { weight, bias } = initLinear(input, output, rng);
  const trainable = { [`${name}.weight`]: weight, [`${name}.bias`]: bias };
  return { trainable, buffers: {} };
}

/** Applies the linear head of that name. */
export function project(
  x: tf.Tensor2D,
  tensors: NamedTensors,
  name: string,
): tf.Tensor2D {
  return linear(x, tensors[`${name}.weight`]!, tensors[`${name}.bias`]!);
}

/**
 * A convolution's weight and bias with torch's default values: from U(-1, 1)
 * over the root of the number of values that one output reads.
 *
 * @param shape of the weight; transposed ones are [in, out, h, w]
 * @param biasSize 0 for no bias
 */
export function convHead(
  name: string,
  shape: readonly number[],
  biasSize: number,
  rng: Rng,
): Heads {
  const bound = 1 / Math.sqrt(sizeOf(shape.slice(1)));
  const next = () => (2 * rng.uniform() - 1) * bound;
  const trainable: Record<string, HostTensor> = {
    [`${name}.weight`]: drawTensor(shape, next),
  };
  if (biasSize) trainable[`${name}.bias`] = drawTensor([biasSize], next);
  return { trainable, buffers: {} };
}

/** A batch norm that starts as the identity. */
export function batchNormHead(name: string, channels: number, rng: Rng): Heads {
  const layer = batchNormLayer(name, channels);
  const all = layer.init(rng);
  const pick = (names: object) =>
    Object.fromEntries(Object.keys(names).map((key) => [key, all[key]!]));
  return { trainable: pick(layer.parameters), buffers: pick(layer.buffers) };
}
