import type * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './data/dataset.js';
import type { MapKind, MapName } from './methods/method.js';
import type { Network, NetworkOutput } from './models/network.js';
import type { Program } from './program.js';
import type { NamedTensors } from './tensors.js';

/**
 * The network in eval mode: `images` float32 [batchSize, H, W, C], normalised,
 * to `features` [batchSize, featureDim] and `logits` [batchSize, classCount].
 * The state is the network's parameters and buffers.
 *
 * @param wanted maps that are outputs too, by their names: [batchSize, h, w, c]
 */
export function createForwardProgram(
  network: Network,
  imageShape: ImageShape,
  batchSize: number,
  wanted: (name: MapName) => boolean = () => false,
): Program {
  return {
    name: `forward ${network.name}`,
    state: { ...network.parameters, ...network.buffers },
    inputs: {
      images: { shape: [batchSize, ...imageShape], dataType: 'float32' },
    },
    run(state, inputs) {
      const images = inputs['images'] as tf.Tensor4D;
      const output = network.forward(state, images, 'eval');
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
