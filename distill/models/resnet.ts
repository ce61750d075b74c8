import { conv } from '../ops/conv.js';
import type { NamedTensors } from '../tensors.js';
import {
  batchNormLayer,
  convLayer,
  joinLayers,
  linearLayer,
  type Layer,
} from './layers.js';
import type { NetworkFactory } from './network.js';
import { stagesOf, Trunk, type Block, type Branches } from './trunk.js';

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
        norm(conv(input, tensors['conv1.weight']!), 'bn1', { relu: true }),
      );
      const stem = x;
      trunk.map(stem);
      for (const stage of stages) {
        for (const block of stage.slice(0, -1))
          x = trunk.runBlock(x, branchesOf(block, tensors));
        x = trunk.mapBlock(x, branchesOf(stage.at(-1)!, tensors));
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

/** A basic block. */
function branchesOf(
  { name, stride, reshapes }: Block,
  tensors: NamedTensors,
): Branches {
  const weight = (layer: string) => tensors[`${name}.${layer}.weight`]!;
  return (x, norm) => {
    const first = conv(x, weight('conv1'), stride);
    const inner = norm(first, `${name}.bn1`, { relu: true });
    const residual = reshapes
      ? norm(conv(x, weight('downsample.0'), stride), `${name}.downsample.1`)
      : x;
    const branch = conv(inner, weight('conv2'));
    return { branch, norm: `${name}.bn2`, residual };
  };
}
