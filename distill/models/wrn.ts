import * as tf from '@tensorflow/tfjs-core';
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
import { stagesOf, Trunk, type Block, type Norm } from './trunk.js';

/**
 * Wide residual networks (Zagoruyko and Komodakis, arXiv 1605.07146): depth
 * 6n + 4, three stages of n pre-activation blocks, no dropout. `maps` are the
 * raw residual stream after the stem and after each stage; `preactivations`
 * have gone through the batch norm that comes next. (The reference updates that
 * norm's running statistics once more when it is asked for them; we do not.)
 *
 * @param widening the factor on the widths 16, 32, 64 of the stages
 */
export function wrn(
  name: string,
  depth: number,
  widening: number,
): NetworkFactory {
  const widths = [16, 16 * widening, 32 * widening, 64 * widening] as const;
  const stages = stagesOf(
    widths,
    (depth - 4) / 6,
    (stage, index) => `block${stage}.layer.${index}`,
  );
  const featureDim = widths[3];
  return (classCount) => ({
    name,
    classCount,
    featureDim,
    ...joinLayers([
      convLayer('conv1', 3, widths[0], 3),
      ...stages.flat().map(blockLayer),
      batchNormLayer('bn1', featureDim),
      linearLayer('fc', featureDim, classCount, 'zero'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      let x = trunk.run(images, (input) =>
        conv(input, tensors['conv1.weight']!),
      );
      const stem = x;
      trunk.map(stem);
      for (const [i, stage] of stages.entries()) {
        for (const block of stage) x = trunk.run(x, wideBlock(block, tensors));
        const output = x;
        const next = stages[i + 1]?.[0];
        const nextNorm = next ? `${next.name}.bn1` : 'bn1';
        trunk.map(output, () =>
          trunk.run(output, (input, norm) => norm(input, nextNorm)),
        );
      }
      const activated = trunk.run(x, (input, norm) =>
        norm(input, 'bn1', { relu: true }),
      );
      return trunk.finish(activated, 'fc');
    },
  });
}

function blockLayer({ name, input, output, reshapes }: Block): Layer {
  return joinLayers([
    batchNormLayer(`${name}.bn1`, input),
    convLayer(`${name}.conv1`, input, output, 3),
    batchNormLayer(`${name}.bn2`, output),
    convLayer(`${name}.conv2`, output, output, 3),
    ...(reshapes ? [convLayer(`${name}.convShortcut`, input, output, 1)] : []),
  ]);
}

/** A block that reshapes takes its shortcut from the activated input. */
function wideBlock({ name, stride, reshapes }: Block, tensors: NamedTensors) {
  const weight = (layer: string) => tensors[`${name}.${layer}.weight`]!;
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    const activated = norm(x, `${name}.bn1`, { relu: true });
    const first = conv(activated, weight('conv1'), stride);
    const inner = norm(first, `${name}.bn2`, { relu: true });
    const residual = conv(inner, weight('conv2'));
    const shortcut = reshapes
      ? conv(activated, weight('convShortcut'), stride)
      : x;
    return tf.add(residual, shortcut);
  };
}
