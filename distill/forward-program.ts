import type * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './data/dataset.js';
import type { Network } from './models/network.js';
import type { Program } from './program.js';

/**
 * The network in eval mode: `images` float32 [batchSize, H, W, C], normalised,
 * to `features` [batchSize, featureDim] and `logits` [batchSize, classCount].
 * The state is the network's parameters and buffers.
 */
export function createForwardProgram(
  network: Network,
  imageShape: ImageShape,
  batchSize: number,
): Program {
  return {
    name: `forward ${network.name}`,
    state: { ...network.parameters, ...network.buffers },
    inputs: {
      images: { shape: [batchSize, ...imageShape], dataType: 'float32' },
    },
    run(state, inputs) {
      const images = inputs['images'] as tf.Tensor4D;
      const { features, logits } = network.forward(state, images, 'eval');
      return { state: {}, outputs: { features, logits } };
    },
  };
}
