import * as tf from '@tensorflow/tfjs-core';
import { conv } from '../ops/conv.js';
import { relu } from '../ops/relu.js';
import type { NamedTensors } from '../tensors.js';
import {
  batchNormLayer,
  convLayer,
  joinLayers,
  linearLayer,
  type Layer,
} from './layers.js';
import type { NetworkFactory } from './network.js';
import { stagesOf, Trunk, type Block, type Norm } from './trunk.js';

/**
 * The ResNets for 32 x 32 images (He et al., arXiv 1512.03385, section 4.2):
 * depth 6n + 2, three stages of n basic blocks. `maps` are the activations
 * after the stem and after each stage, behind their ReLU.
 *
 * @param widths channels of the stem and of the three stages
 */
export function resnet(
  name: string,
  depth: number,
  widths: readonly [number, number, number, number],
): NetworkFactory {
  const stages = stagesOf(
    widths,
    (depth - 2) / 6,
    (stage, index) => `layer${stage}.${index}`,
  );
  const featureDim = widths[3];
  return (classCount) => ({
    name,
    classCount,
    featureDim,
    ...joinLayers([
      convLayer('conv1', 3, widths[0], 3),
      batchNormLayer('bn1', widths[0]),
      ...stages.flat().map(blockLayer),
      linearLayer('fc', featureDim, classCount, 'drawn'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      let x = trunk.run(images, (input, norm) =>
        relu(norm(conv(input, tensors['conv1.weight']!), 'bn1')),
      );
      const stem = x;
      trunk.map(stem);
      for (const stage of stages) {
        const last = stage.at(-1)!;
        for (const block of stage.slice(0, -1)) {
          const body = residualSum(block, tensors);
          x = trunk.run(x, (input, norm) => relu(body(input, norm)));
        }
        const sum = trunk.run(x, residualSum(last, tensors));
        x = relu(sum);
        trunk.map(x, () => sum);
      }
      return trunk.finish(x, 'fc');
    },
  });
}

function blockLayer({ name, input, output, reshapes }: Block): Layer {
  return joinLayers([
    convLayer(`${name}.conv1`, input, output, 3),
    batchNormLayer(`${name}.bn1`, output),
    convLayer(`${name}.conv2`, output, output, 3),
    batchNormLayer(`${name}.bn2`, output),
    ...(reshapes
      ? [
          convLayer(`${name}.downsample.0`, input, output, 1),
          batchNormLayer(`${name}.downsample.1`, output),
        ]
      : []),
  ]);
}

/** A basic block but for its last ReLU. */
function residualSum({ name, stride, reshapes }: Block, tensors: NamedTensors) {
  const weight = (layer: string) => tensors[`${name}.${layer}.weight`]!;
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    const inner = relu(norm(conv(x, weight('conv1'), stride), `${name}.bn1`));
    const residual = norm(conv(inner, weight('conv2')), `${name}.bn2`);
    const shortcut = reshapes
      ? norm(conv(x, weight('downsample.0'), stride), `${name}.downsample.1`)
      : x;
    return tf.add(residual, shortcut);
  };
}
