import * as tf from '@tensorflow/tfjs-core';
import { channelShuffle } from '../ops/channel-shuffle.js';
import { relu } from '../ops/relu.js';
import type { NamedTensors } from '../tensors.js';
import { joinLayers, linearLayer } from './layers.js';
import type { NetworkFactory } from './network.js';
import { Trunk, type Norm } from './trunk.js';
import { runUnit, unitLayer, type Unit } from './unit.js';

const groups = 3;
const stem = 24;
const widths = [240, 480, 960] as const;
const depths = [4, 8, 4] as const;
const featureDim = widths[2];

/**
 * ShuffleNet (Zhang et al., arXiv 1707.01083) as the reference has it for 32 x
 * 32 images: three groups, a 1 x 1 stem, and a ReLU behind the depthwise
 * convolution too. `maps` are the activations after the stem and each stage.
 */
export const shuffleNetV1: NetworkFactory = (classCount) => ({
  name: 'ShuffleV1',
  classCount,
  featureDim,
  ...joinLayers([
    ...[first, ...stages.flat(2)].map((unit) => unitLayer(unit, 'drawn')),
    linearLayer('linear', featureDim, classCount, 'drawn'),
  ]),
  forward(tensors, images, mode) {
    const trunk = new Trunk(tensors, mode);
    let x = trunk.run(images, (input, norm) =>
      runUnit(first, tensors, input, norm, { relu: true }),
    );
    trunk.map(x);
    for (const stage of stages) {
      for (const block of stage.slice(0, -1)) {
        const body = joined(block, tensors);
        x = trunk.run(x, (input, norm) => relu(body(input, norm)));
      }
      const sum = trunk.run(x, joined(stage.at(-1)!, tensors));
      x = relu(sum);
      trunk.map(x, () => sum);
    }
    return trunk.finish(x, 'linear');
  },
});

const first: Unit = {
  ...{ conv: 'conv1', norm: 'bn1' },
  ...{ input: 3, output: stem, size: 1 },
};

type Block = readonly [Unit, Unit, Unit];

const stages = widths.map((width, stage) =>
  Array.from({ length: depths[stage]! }, (_, index): Block => {
    const input = index > 0 ? width : (widths[stage - 1] ?? stem);
    // The first block's input, at half its size, is part of the output.
    const output = index > 0 ? width : width - input;
    const middle = output / 4;
    const stride = index > 0 ? 1 : 2;
    const name = (layer: number) => ({
      conv: `layer${stage + 1}.${index}.conv${layer}`,
      norm: `layer${stage + 1}.${index}.bn${layer}`,
    });
    const outer = input === stem ? 1 : groups;
    const depthwise = { size: 3, stride, groups: middle } as const;
    return [
      { ...name(1), input, output: middle, size: 1, groups: outer },
      { ...name(2), input: middle, output: middle, ...depthwise },
      { ...name(3), input: middle, output, size: 1, groups },
    ];
  }),
);

/** A block but for its last ReLU. */
function joined([squeeze, depthwise, widen]: Block, tensors: NamedTensors) {
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    const narrow = runUnit(squeeze, tensors, x, norm, { relu: true });
    const shuffled = channelShuffle(narrow, squeeze.groups!);
    const inner = runUnit(depthwise, tensors, shuffled, norm, { relu: true });
    const residual = runUnit(widen, tensors, inner, norm);
    return depthwise.stride === 2
      ? tf.concat([residual, halved(x)], 3)
      : tf.add(residual, x);
  };
}

/** torch's nn.AvgPool2d(3, stride=2, padding=1): the zeros around count. */
function halved(x: tf.Tensor4D): tf.Tensor4D {
  const around: [number, number] = [1, 1];
  const padded = tf.pad4d(x, [[0, 0], around, around, [0, 0]]);
  return tf.avgPool(padded, 3, 2, 'valid');
}
