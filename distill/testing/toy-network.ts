import * as tf from '@tensorflow/tfjs-core';
import { convLayer, joinLayers, linearLayer } from '../models/layers.js';
import type { Network } from '../models/network.js';
import { conv } from '../ops/conv.js';
import { linear } from '../ops/linear.js';

/** Three convolutions of 3, 4 and 6 channels, with all outputs there are. */
export function toyNetwork(classCount: number): Network {
  return {
    name: 'toy',
    classCount,
    featureDim: 6,
    ...joinLayers([
      convLayer('stem', 3, 3, 1),
      convLayer('stage1', 3, 4, 3),
      convLayer('stage2', 4, 6, 3),
      linearLayer('fc', 6, classCount, 'drawn'),
    ]),
    forward(tensors, images) {
      const stem = conv(images, tensors['stem.weight']!);
      const first = conv(tf.relu(stem), tensors['stage1.weight']!);
      const second = conv(tf.relu(first), tensors['stage2.weight']!, 2);
      const preactivations = [stem, first, second];
      const maps = preactivations.map((map) => tf.relu(map));
      const features = tf.mean<tf.Tensor2D>(maps[2]!, [1, 2]); // [N, 6]
      const { 'fc.weight': weight, 'fc.bias': bias } = tensors;
      const logits = linear(features, weight!, bias!);
      return {
        maps,
        preactivations: () => preactivations,
        features,
        logits,
        buffers: {},
      };
    },
  };
}
