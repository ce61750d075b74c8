import * as tf from '@tensorflow/tfjs-core';
import { relu, relu6 } from '../ops/relu.js';
import type { NamedTensors } from '../tensors.js';
import { joinLayers, linearLayer } from './layers.js';
import type { NetworkFactory } from './network.js';
import { Trunk, type Norm } from './trunk.js';
import { runUnit, unitLayer, type Unit } from './unit.js';

type Names = readonly [conv: string, norm: string];

/** What tells the two versions apart. */
interface Plan {
  readonly name: string;
  readonly stem: number;
  /** Expansion, channels, blocks, and the stride of the first block. */
  readonly stages: readonly (readonly [number, number, number, 1 | 2])[];
  /** Without it, blocks of expansion 1 have no first convolution. */
  readonly alwaysExpands: boolean;
  readonly activation: (x: tf.Tensor4D) => tf.Tensor4D;
  readonly stemNames: Names;
  /** Block `index` of stage `stage`, and block `block` of all. */
  blockName(stage: number, index: number, block: number): string;
  /** Within a block, of its last `count` convolutions. */
  unitNames(count: number): readonly Names[];
  readonly headNames: Names;
  readonly classifier: string;
}

const headWidth = 1280;
/** Stages whose outputs are maps. */
const mapped = [1, 2, 4, 6];

/**
 * MobileNetV2 (Sandler et al., arXiv 1801.04381) as the reference's
 * `mobile_half` for 32 x 32 images: half the width, ReLU, and an expansion in
 * every block. `maps` are the stem's activations and the linear outputs of
 * stages 2, 3, 5 and 7; they are their own preactivations.
 */
export const mobileHalf = mobileNet({
  name: 'MobileNetV2',
  stem: 16,
  stages: [
    [1, 8, 1, 1],
    [6, 12, 2, 1],
    [6, 16, 3, 2],
    [6, 32, 4, 2],
    [6, 48, 3, 1],
    [6, 80, 3, 2],
    [6, 160, 1, 1],
  ],
  alwaysExpands: true,
  activation: relu,
  stemNames: ['conv1.0', 'conv1.1'],
  blockName: (stage, index) => `blocks.${stage}.${index}.conv`,
  unitNames: () => [
    ['0', '1'],
    ['3', '4'],
    ['6', '7'],
  ],
  headNames: ['conv2.0', 'conv2.1'],
  classifier: 'classifier.0',
});

/**
 * The same for 224 x 224 images, as torchvision's `mobilenet_v2` has it, but
 * for the dropout in front of its classifier.
 */
export const mobileNetV2 = mobileNet({
  name: 'mobilenet_v2',
  stem: 32,
  stages: [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ],
  alwaysExpands: false,
  activation: relu6,
  stemNames: ['features.0.0', 'features.0.1'],
  blockName: (_stage, _index, block) => `features.${block + 1}.conv`,
  unitNames: (count) => [
    ...Array.from({ length: count - 1 }, (_, i): Names => [`${i}.0`, `${i}.1`]),
    [`${count - 1}`, `${count}`],
  ],
  headNames: ['features.18.0', 'features.18.1'],
  classifier: 'classifier.1',
});

function mobileNet(plan: Plan): NetworkFactory {
  const { name, stem, classifier, activation } = plan;
  const stages = stagesOf(plan);
  const first = unit(plan.stemNames, 3, stem, { size: 3, stride: 2 });
  const head = unit(plan.headNames, plan.stages.at(-1)![1], headWidth);
  return (classCount) => ({
    name,
    classCount,
    featureDim: headWidth,
    ...joinLayers([
      ...[first, ...stages.flat(2), head].map((u) => unitLayer(u, 'he')),
      linearLayer(classifier, headWidth, classCount, 'small'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      const activated = (u: Unit) => (input: tf.Tensor4D, norm: Norm) =>
        activation(runUnit(u, tensors, input, norm));
      let x = trunk.run(images, activated(first));
      trunk.map(x);
      for (const [i, stage] of stages.entries()) {
        for (const block of stage) {
          x = trunk.run(x, invertedResidual(block, activation, tensors));
        }
        if (mapped.includes(i)) trunk.map(x);
      }
      return trunk.finish(trunk.run(x, activated(head)), classifier);
    },
  });
}

function unit(
  [conv, norm]: Names,
  input: number,
  output: number,
  rest: Partial<Unit> = {},
): Unit {
  return { conv, norm, input, output, size: 1, ...rest };
}

/** The units of each block of each stage. */
function stagesOf({ stem, stages, ...plan }: Plan): Unit[][][] {
  let input = stem;
  let count = 0;
  return stages.map(([expansion, output, depth, firstStride], stage) =>
    Array.from({ length: depth }, (_, index) => {
      const block = plan.blockName(stage, index, count++);
      const middle = input * expansion;
      const expands = expansion > 1 || plan.alwaysExpands;
      const names = plan
        .unitNames(expands ? 3 : 2)
        .map(([conv, norm]): Names => [`${block}.${conv}`, `${block}.${norm}`]);
      const stride = index === 0 ? firstStride : 1;
      const depthwise: Partial<Unit> = { size: 3, stride, groups: middle };
      const units = [
        ...(expands ? [unit(names[0]!, input, middle)] : []),
        unit(names.at(-2)!, middle, middle, depthwise),
        unit(names.at(-1)!, middle, output),
      ];
      input = output;
      return units;
    }),
  );
}

/** No activation behind the last unit; a sum where the shapes allow one. */
function invertedResidual(
  units: readonly Unit[],
  activation: Plan['activation'],
  tensors: NamedTensors,
) {
  const last = units.at(-1)!;
  const keepsShape =
    units[0]!.input === last.output && units.every((u) => u.stride !== 2);
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    const inner = units
      .slice(0, -1)
      .reduce((y, u) => activation(runUnit(u, tensors, y, norm)), x);
    const residual = runUnit(last, tensors, inner, norm);
    return keepsShape ? tf.add(x, residual) : residual;
  };
}
