import * as tf from '@tensorflow/tfjs-core';
import { conv } from '../ops/conv.js';
import { maxPool2 } from '../ops/max-pool.js';
import { relu } from '../ops/relu.js';
import type { NamedTensors } from '../tensors.js';
import {
  batchNormLayer,
  biasLayer,
  convLayer,
  joinLayers,
  linearLayer,
} from './layers.js';
import type { NetworkFactory } from './network.js';
import { Trunk, type Norm } from './trunk.js';

interface Convolution {
  /** Names of the convolution and of its batch norm, e.g. `block1.3`. */
  readonly conv: string;
  readonly norm: string;
  readonly input: number;
  readonly output: number;
}

/** Images of this size are halved once more, in front of the last block. */
const largeImage = 64;

/**
 * VGG with batch norm (Simonyan and Zisserman, arXiv 1409.1556), as the
 * reference has it for 32 x 32 images: five blocks of 3 x 3 convolutions with
 * bias, a maximum over 2 x 2 after each of the first three. `maps` are the
 * activations after each block.
 *
 * @param depths convolutions of each block
 */
export function vgg(
  name: string,
  depths: readonly [number, number, number, number, number],
): NetworkFactory {
  const widths = [64, 128, 256, 512, 512] as const;
  const blocks = depths.map((depth, block) =>
    Array.from({ length: depth }, (_, i): Convolution => {
      const output = widths[block]!;
      return {
        conv: `block${block}.${3 * i}`,
        norm: `block${block}.${3 * i + 1}`,
        input: i > 0 ? output : (widths[block - 1] ?? 3),
        output,
      };
    }),
  );
  return (classCount) => ({
    name,
    classCount,
    featureDim: widths[4],
    ...joinLayers([
      ...blocks
        .flat()
        .flatMap(({ conv, norm, input, output }) => [
          convLayer(conv, input, output, 3),
          biasLayer(conv, output),
          batchNormLayer(norm, output),
        ]),
      linearLayer('classifier', widths[4], classCount, 'small'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      let x = images;
      for (const [i, block] of blocks.entries()) {
        const sum = trunk.run(x, convolutions(block, tensors));
        const map = relu(sum);
        trunk.map(map, () => (i === 0 ? map : sum));
        const halves = i < 3 || (i === 3 && images.shape[1] === largeImage);
        x = halves ? maxPool2(map) : map;
      }
      return trunk.finish(x, 'classifier');
    },
  });
}

/** A block but for its last ReLU. */
function convolutions(block: readonly Convolution[], tensors: NamedTensors) {
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    let sum = x;
    for (const [i, layer] of block.entries()) {
      const isLast = i === block.length - 1;
      const weight = tensors[`${layer.conv}.weight`]!;
      const bias = tensors[`${layer.conv}.bias`]!;
      const biased = tf.add<tf.Tensor4D>(conv(sum, weight), bias);
      sum = norm(biased, layer.norm, isLast ? undefined : { relu: true });
    }
    return sum;
  };
}
