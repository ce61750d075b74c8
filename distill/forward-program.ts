import type * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './data/dataset.js';
import type { MapKind, MapName } from './methods/method.js';
import type { Network, NetworkOutput } from './models/network.js';
import { autocast, type ConvPrecision } from './ops/autocast.js';
import type { Program } from './program.js';
import type { NamedTensors } from './tensors.js';

export interface ForwardOptions {
  /** Maps that are outputs too, by their names: [batchSize, h, w, c]. */
  readonly wanted?: (name: MapName) => boolean;
  /** Of convolutions; default float32. */
  readonly precision?: ConvPrecision;
}

/**
 * The network in eval mode: `images` float32 [batchSize, H, W, C], normalised,
 * to `features` [batchSize, featureDim] and `logits` [batchSize, classCount].
 * The state is the network's parameters and buffers.
 */
export function createForwardProgram(
  network: Network,
  imageShape: ImageShape,
  batchSize: number,
  { wanted = () => false, precision = 'float32' }: ForwardOptions = {},
): Program {
  return {
    name: `forward ${network.name}`,
    state: { ...network.parameters, ...network.buffers },
    inputs: {
      images: { shape: [batchSize, ...imageShape], dataType: 'float32' },
    },
    run(state, inputs) {
      const images = inputs['images'] as tf.Tensor4D;
      const output = autocast(precision, () =>
        network.forward(state, images, 'eval'),
      );
      const { features, logits } = output;
      return {
        state: {},
        outputs: { features, logits, ...mapsOf(output, wanted) },
      };
    },
  };
}

/** The maps of an output that are wanted, by their names. */
export function mapsOf(
  { maps, preactivations }: NetworkOutput,
  wanted: (name: MapName) => boolean,
): NamedTensors {
  const named = (kind: MapKind, tensors: readonly tf.Tensor4D[]) =>
    tensors.map((tensor, i) => [`${kind}.${i}`, tensor] as const);
  const isWanted = maps.some((_, i) => wanted(`preactivations.${i}`));
  const all = [
    ...named('maps', maps),
    ...(isWanted ? named('preactivations', preactivations()) : []),
  ];
  return Object.fromEntries(all.filter(([name]) => wanted(name)));
}
