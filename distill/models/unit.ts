import type * as tf from '@tensorflow/tfjs-core';
import type { Tail } from '../ops/batch-norm.js';
import { conv } from '../ops/conv.js';
import type { NamedTensors } from '../tensors.js';
import { batchNormLayer, convLayer, joinLayers, type Layer } from './layers.js';
import type { Norm } from './trunk.js';

/** A convolution and its batch norm: what compact networks are made of. */
export interface Unit {
  /** Names of the two in the state, e.g. `conv1.0` and `conv1.1`. */
  readonly conv: string;
  readonly norm: string;
  readonly input: number;
  readonly output: number;
  readonly size: 1 | 3;
  readonly stride?: 1 | 2;
  /** As many as there are channels: a depthwise convolution. */
  readonly groups?: number;
}

export function unitLayer(unit: Unit, start: 'he' | 'drawn'): Layer {
  const { input, output, size, groups = 1 } = unit;
  return joinLayers([
    convLayer(unit.conv, input, output, size, { groups, start }),
    batchNormLayer(unit.norm, output),
  ]);
}

export function runUnit(
  { conv: name, norm: normName, stride = 1 }: Unit,
  tensors: NamedTensors,
  x: tf.Tensor4D,
  norm: Norm,
  tail?: Tail,
): tf.Tensor4D {
  return norm(conv(x, tensors[`${name}.weight`]!, stride), normName, tail);
}
