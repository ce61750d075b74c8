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
import { Trunk, type Block, type Norm } from './trunk.js';

/** Channels at a block's end over those in its middle. */
const expansion = 4;
const stem = 64;

/**
 * The deep ResNets (He et al., arXiv 1512.03385, table 1) with a 3 x 3 stem
 * for 32 x 32 images: four stages of bottleneck blocks. `maps` are the
 * activations after the stem and after each stage, behind their ReLU.
 *
 * @param depths blocks of each stage
 */
export function bottleneckResnet(
  name: string,
  depths: readonly [number, number, number, number],
): NetworkFactory {
  const stages = depths.map((depth, stage) => stageOf(stage, depth));
  const featureDim = stages.at(-1)!.at(-1)!.output;
  return (classCount) => ({
    name,
    classCount,
    featureDim,
    ...joinLayers([
      convLayer('conv1', 3, stem, 3),
      batchNormLayer('bn1', stem),
      ...stages.flat().map(blockLayer),
      linearLayer('linear', featureDim, classCount, 'drawn'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      const first = trunk.run(images, (input, norm) =>
        relu(norm(conv(input, tensors['conv1.weight']!), 'bn1')),
      );
      trunk.maps.push(first);
      trunk.preactivations.push(() => first);
      let x = first;
      for (const stage of stages) {
        for (const block of stage.slice(0, -1)) {
          const body = residualSum(block, tensors);
          x = trunk.run(x, (input, norm) => relu(body(input, norm)));
        }
        const sum = trunk.run(x, residualSum(stage.at(-1)!, tensors));
        x = relu(sum);
        trunk.maps.push(x);
        trunk.preactivations.push(() => sum);
      }
      return trunk.finish(x, 'linear');
    },
  });
}

/** The first block of all stages but the first halves the image. */
function stageOf(stage: number, depth: number): Block[] {
  const output = stem * 2 ** stage * expansion;
  return Array.from({ length: depth }, (_, index) => {
    const before = stage === 0 ? stem : output / 2;
    const input = index === 0 ? before : output;
    const stride = index === 0 && stage > 0 ? 2 : 1;
    const name = `layer${stage + 1}.${index}`;
    return { name, input, output, stride, reshapes: input !== output };
  });
}

function blockLayer({ name, input, output, reshapes }: Block): Layer {
  const middle = output / expansion;
  return joinLayers([
    convLayer(`${name}.conv1`, input, middle, 1),
    batchNormLayer(`${name}.bn1`, middle),
    convLayer(`${name}.conv2`, middle, middle, 3),
    batchNormLayer(`${name}.bn2`, middle),
    convLayer(`${name}.conv3`, middle, output, 1),
    batchNormLayer(`${name}.bn3`, output),
    ...(reshapes
      ? [
          convLayer(`${name}.shortcut.0`, input, output, 1),
          batchNormLayer(`${name}.shortcut.1`, output),
        ]
      : []),
  ]);
}

/** A bottleneck block but for its last ReLU; its 3 x 3 has the stride. */
function residualSum({ name, stride, reshapes }: Block, tensors: NamedTensors) {
  const weight = (layer: string) => tensors[`${name}.${layer}.weight`]!;
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    const narrow = relu(norm(conv(x, weight('conv1')), `${name}.bn1`));
    const inner = relu(
      norm(conv(narrow, weight('conv2'), stride), `${name}.bn2`),
    );
    const residual = norm(conv(inner, weight('conv3')), `${name}.bn3`);
    const shortcut = reshapes
      ? norm(conv(x, weight('shortcut.0'), stride), `${name}.shortcut.1`)
      : x;
    return tf.add(residual, shortcut);
  };
}
