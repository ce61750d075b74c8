import { conv } from '../ops/conv.js';
import { maxPool3 } from '../ops/max-pool.js';
import type { NamedTensors } from '../tensors.js';
import {
  batchNormLayer,
  convLayer,
  joinLayers,
  linearLayer,
  type Layer,
} from './layers.js';
import type { NetworkFactory } from './network.js';
import { Trunk, type Branches } from './trunk.js';
import { runUnit, unitLayer, type Unit } from './unit.js';

/** What tells the members of the family apart. */
interface Plan {
  /** `basic`: two 3 x 3 convolutions; `bottleneck`: 1 x 1, 3 x 3, 1 x 1. */
  readonly block: 'basic' | 'bottleneck';
  /** Blocks of each stage. */
  readonly depths: readonly [number, number, number, number];
  /** Of a bottleneck's 3 x 3 convolution. */
  readonly groups?: number;
  /** Channels of each group in the first stage; 64 by default. */
  readonly groupWidth?: number;
  /** 3 x 3 for 32 x 32 images, or 7 x 7 and a maximum for 224 x 224. */
  readonly stem: 'small' | 'large';
  readonly shortcut: 'shortcut' | 'downsample';
  readonly classifier: 'linear' | 'fc';
}

const stem = 64;

/**
 * The deep ResNets (He et al., arXiv 1512.03385, table 1; grouped: arXiv
 * 1611.05431; wide: arXiv 1605.07146): four stages of residual blocks. `maps`
 * are the activations after the stem and after each stage, behind their ReLU.
 */
export function deepResnet(name: string, plan: Plan): NetworkFactory {
  const isLarge = plan.stem === 'large';
  const { classifier } = plan;
  const stages = stagesOf(plan);
  const featureDim = stages.at(-1)!.at(-1)!.units.at(-1)!.output;
  return (classCount) => ({
    name,
    classCount,
    featureDim,
    ...joinLayers([
      convLayer('conv1', 3, stem, isLarge ? 7 : 3),
      batchNormLayer('bn1', stem),
      ...stages.flat().map(blockLayer),
      linearLayer(classifier, featureDim, classCount, 'drawn'),
    ]),
    forward(tensors, images, mode) {
      const trunk = new Trunk(tensors, mode);
      let x = trunk.run(images, (input, norm) => {
        const sum = conv(input, tensors['conv1.weight']!, isLarge ? 2 : 1);
        const first = norm(sum, 'bn1', { relu: true });
        return isLarge ? maxPool3(first) : first;
      });
      trunk.map(x);
      for (const stage of stages) {
        for (const block of stage.slice(0, -1))
          x = trunk.runBlock(x, branchesOf(block, tensors));
        x = trunk.mapBlock(x, branchesOf(stage.at(-1)!, tensors));
      }
      return trunk.finish(x, classifier);
    },
  });
}

interface Block {
  readonly units: readonly Unit[];
  /** Where the input does not fit the sum as it is. */
  readonly shortcut: Unit | undefined;
}

/** The first block of all stages but the first halves the image. */
function stagesOf(plan: Plan): Block[][] {
  let input = stem;
  return plan.depths.map((depth, stage) =>
    Array.from({ length: depth }, (_, index): Block => {
      const name = `layer${stage + 1}.${index}`;
      const stride = index === 0 && stage > 0 ? 2 : 1;
      const units =
        plan.block === 'basic'
          ? basicUnits(name, input, stem * 2 ** stage, stride)
          : bottleneckUnits(name, input, stage, stride, plan);
      const { output } = units.at(-1)!;
      const names = [0, 1].map((i) => `${name}.${plan.shortcut}.${i}`);
      const shortcut: Unit = {
        ...{ conv: names[0]!, norm: names[1]!, size: 1 },
        ...{ input, output, stride },
      };
      const reshapes = stride !== 1 || input !== output;
      input = output;
      return { units, shortcut: reshapes ? shortcut : undefined };
    }),
  );
}

function basicUnits(
  block: string,
  input: number,
  output: number,
  stride: 1 | 2,
): Unit[] {
  return [
    { ...names(block, 1), input, output, size: 3, stride },
    { ...names(block, 2), input: output, output, size: 3 },
  ];
}

/** Its 3 x 3 convolution has the stride. */
function bottleneckUnits(
  block: string,
  input: number,
  stage: number,
  stride: 1 | 2,
  { groups = 1, groupWidth = stem }: Plan,
): Unit[] {
  const middle = groups * groupWidth * 2 ** stage;
  const output = 4 * stem * 2 ** stage;
  const spatial = { size: 3, stride, groups } as const;
  return [
    { ...names(block, 1), input, output: middle, size: 1 },
    { ...names(block, 2), input: middle, output: middle, ...spatial },
    { ...names(block, 3), input: middle, output, size: 1 },
  ];
}

function names(block: string, layer: number) {
  return { conv: `${block}.conv${layer}`, norm: `${block}.bn${layer}` };
}

function blockLayer({ units, shortcut }: Block): Layer {
  const all = shortcut ? [...units, shortcut] : units;
  return joinLayers(all.map((unit) => unitLayer(unit, 'he')));
}

/** A basic block or a bottleneck. */
function branchesOf(
  { units, shortcut }: Block,
  tensors: NamedTensors,
): Branches {
  const last = units.at(-1)!;
  return (x, norm) => {
    const inner = units
      .slice(0, -1)
      .reduce((y, unit) => runUnit(unit, tensors, y, norm, { relu: true }), x);
    const residual = shortcut ? runUnit(shortcut, tensors, x, norm) : x;
    const branch = conv(inner, tensors[`${last.conv}.weight`]!, last.stride);
    return { branch, norm: last.norm, residual };
  };
}
