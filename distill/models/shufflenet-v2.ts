import * as tf from '@tensorflow/tfjs-core';
import { channelShuffle } from '../ops/channel-shuffle.js';
import { maxPool3 } from '../ops/max-pool.js';
import { relu } from '../ops/relu.js';
import type { NamedTensors } from '../tensors.js';
import { joinLayers, linearLayer } from './layers.js';
import type { NetworkFactory } from './network.js';
import { Trunk, type Norm } from './trunk.js';
import { runUnit, unitLayer, type Unit } from './unit.js';

type Names = readonly [conv: string, norm: string];

/** What tells the two versions apart. */
interface Plan {
  readonly name: string;
  /** The large stem quarters the image, the small one keeps its size. */
  readonly stem: 'small' | 'large';
  readonly stemNames: Names;
  /** Of block `index` of stage `stage` (from 0): both branches' units. */
  unitNames(
    stage: number,
    index: number,
  ): { readonly left: readonly Names[]; readonly right: readonly Names[] };
  readonly headNames: Names;
  readonly classifier: string;
}

const stemWidth = 24;
const widths = [116, 232, 464] as const;
const depths = [4, 8, 4] as const;
const featureDim = 1024;

/**
 * ShuffleNetV2 (Ma et al., arXiv 1807.11164), width 1, as the reference has it
 * for 32 x 32 images. `maps` are the activations after the stem and after each
 * stage; a preactivation is, as there, the last block's two halves before they
 * are shuffled.
 */
export const shuffleNetV2 = shuffleNet({
  name: 'ShuffleV2',
  stem: 'small',
  stemNames: ['conv1', 'bn1'],
  unitNames(stage, index) {
    const names = [1, 2, 3, 4, 5].map((i): Names => [
      `layer${stage + 1}.${index}.conv${i}`,
      `layer${stage + 1}.${index}.bn${i}`,
    ]);
    return index === 0
      ? { left: names.slice(0, 2), right: names.slice(2) }
      : { left: [], right: names.slice(0, 3) };
  },
  headNames: ['conv2', 'bn2'],
  classifier: 'linear',
});

/** The same for 224 x 224 images: torchvision's `shufflenet_v2_x1_0`. */
export const shuffleNetV2x1 = shuffleNet({
  name: 'shufflenet_v2_x1_0',
  stem: 'large',
  stemNames: ['conv1.0', 'conv1.1'],
  unitNames(stage, index) {
    const branch = (number: number, convs: readonly number[]) =>
      convs.map((i): Names => {
        const block = `stage${stage + 2}.${index}.branch${number}`;
        return [`${block}.${i}`, `${block}.${i + 1}`];
      });
    const left = index === 0 ? branch(1, [0, 2]) : [];
    return { left, right: branch(2, [0, 3, 5]) };
  },
  headNames: ['conv5.0', 'conv5.1'],
  classifier: 'fc',
});

function shuffleNet(plan: Plan): NetworkFactory {
  const { name, classifier } = plan;
  const isLarge = plan.stem === 'large';
  const first: Unit = {
    ...named(plan.stemNames),
    ...{ input: 3, output: stemWidth },
    ...(isLarge ? { size: 3, stride: 2 } : { size: 1 }),
  };
  const head: Unit = {
    ...named(plan.headNames),
    ...{ input: widths[2], output: featureDim, size: 1 },
  };
  const stages = stagesOf(plan);
  const blocks = stages
    .flat()
    .flatMap(({ left, right }) => [...left, ...right]);
  return (classCount) => ({
    name,
    classCount,
    featureDim,
    ...joinLayers([
      ...[first, ...blocks, head].map((unit) => unitLayer(unit, 'drawn')),
      linearLayer(classifier, featureDim, classCount, 'drawn'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      const activated = (unit: Unit) => (input: tf.Tensor4D, norm: Norm) =>
        runUnit(unit, tensors, input, norm, { relu: true });
      let x = trunk.run(images, activated(first));
      if (isLarge) x = trunk.run(x, maxPool3);
      trunk.map(x);
      for (const stage of stages) {
        for (const block of stage.slice(0, -1)) {
          const body = halves(block, tensors);
          x = trunk.run(x, (input, norm) => mixed(body(input, norm)));
        }
        const last = trunk.run(x, halves(stage.at(-1)!, tensors));
        x = trunk.run(last, mixed);
        trunk.map(x, () => last);
      }
      return trunk.finish(trunk.run(x, activated(head)), classifier);
    },
  });
}

interface Block {
  /** Empty where the left half passes as it is. */
  readonly left: readonly Unit[];
  readonly right: readonly Unit[];
}

function named([conv, norm]: Names) {
  return { conv, norm };
}

function stagesOf(plan: Plan): Block[][] {
  return widths.map((width, stage) =>
    Array.from({ length: depths[stage]! }, (_, index): Block => {
      const middle = width / 2;
      const input = index > 0 ? middle : (widths[stage - 1] ?? stemWidth);
      const stride = index > 0 ? 1 : 2;
      const names = plan.unitNames(stage, index);
      const point = (name: Names, input: number): Unit => ({
        ...named(name),
        ...{ input, output: middle, size: 1 },
      });
      const depthwise = (name: Names, channels: number): Unit => ({
        ...named(name),
        ...{ input: channels, output: channels, groups: channels },
        ...{ size: 3, stride },
      });
      const [spatial, mixing] = names.left;
      const [squeeze, middleName, widen] = names.right as [Names, Names, Names];
      return {
        left:
          spatial && mixing
            ? [depthwise(spatial, input), point(mixing, input)]
            : [],
        right: [
          point(squeeze, input),
          depthwise(middleName, middle),
          point(widen, middle),
        ],
      };
    }),
  );
}

/**
 * A block's two halves side by side: the right one, and in front of a shuffled
 * block the left one too, still without its last ReLU.
 */
function halves({ left, right }: Block, tensors: NamedTensors) {
  const run = (units: readonly Unit[], x: tf.Tensor4D, norm: Norm) =>
    units.reduce((y, unit, i) => {
      const activates = unit.size === 1 && i < units.length - 1;
      const tail = activates ? ({ relu: true } as const) : undefined;
      return runUnit(unit, tensors, y, norm, tail);
    }, x);
  return (x: tf.Tensor4D, norm: Norm): tf.Tensor4D => {
    if (left.length > 0) {
      return tf.concat([run(left, x, norm), run(right, x, norm)], 3);
    }
    const [kept, changed] = tf.split<tf.Tensor4D>(x, 2, 3) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    return tf.concat([kept, run(right, changed, norm)], 3);
  };
}

/** The last ReLU of both halves (what passed as it is is positive already). */
function mixed(x: tf.Tensor4D): tf.Tensor4D {
  return channelShuffle(relu(x), 2);
}
