import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Split } from '#distill/data/dataset.js';
import { rngFrom } from '#distill/data/rng.js';
import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { createNetwork } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import type { Precision } from '#distill/precision.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { testEngine } from './engine.js';

/** Folders that a cluster needs, with a data set and a teacher so small that runs take seconds. */
export interface World extends AsyncDisposable {
  readonly datasets: Readonly<Record<string, string>>;
  readonly modelsDir: string;
  readonly runsDir: string;
  readonly teacher: {
    readonly network: Network;
    readonly state: NamedHostTensors;
  };
}

const classCount = 4;
const side = 8;
const perClass: Record<Split, number> = { train: 12, test: 3 };

/**
 * 48 training and 12 test images of noise, and an untrained resnet8.
 * @param images another data set, by its definition
 */
export async function makeWorld(images?: string): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'rrd-world-'));
  if (images === undefined) await writeImages(join(root, 'images'));
  const datasets = { tiny: images ?? `folder:${join(root, 'images')}` };
  const modelsDir = join(root, 'models');
  const teacher = await writeTeacher(join(modelsDir, 'teacher'), datasets);
  return {
    datasets,
    modelsDir,
    runsDir: join(root, 'runs'),
    teacher,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** An experiment of 6 steps an epoch in that world. */
export function tinyExperiment(
  changes: {
    readonly loss?: object;
    readonly training?: object;
    readonly ranks?: number;
    readonly prefetch?: number;
    readonly engine?: string;
    readonly dataset?: string;
    readonly teacher?:
      { readonly model: string; readonly mapPrecision?: Precision } | undefined;
    readonly bank?: object;
  } = {},
): Experiment {
  const { training, bank, ...rest } = changes;
  return experimentSchema.parse({
    name: 'tiny',
    dataset: 'tiny',
    student: { network: 'resnet8' },
    teacher: { model: 'teacher' },
    loss: {
      crossEntropy: 1,
      kd: { weight: 0.5 },
      rrd: { weight: 1, preset: 'paper', enqueue: 'before' },
    },
    engine: testEngine,
    ...rest,
    bank: { capacity: 20, featDim: 16, ...bank },
    training: { epochs: 2, batchSize: 8, seed: 7, ...training },
  });
}

/**
 * 54 steps that learn from every part of the system, the rate dropping once.
 * @param ranks that share the 8 samples of a step
 */
export function longExperiment(
  enqueue: 'before' | 'after',
  prefetch: number,
  ranks = 1,
  bank: object = {},
): Experiment {
  const temperatures = { studentTemperature: 0.04, teacherTemperature: 0.1 };
  return tinyExperiment({
    prefetch,
    ranks,
    bank,
    loss: {
      crossEntropy: 1,
      kd: { weight: 0.5 },
      rrd: { weight: 1, ...temperatures, enqueue },
    },
    training: {
      ...{ epochs: 9, batchSize: 8 / ranks },
      ...{ milestones: [4], evaluateEvery: 5 },
    },
  });
}

async function writeImages(root: string): Promise<void> {
  for (const split of ['train', 'test'] as const) {
    for (let label = 0; label < classCount; label++) {
      const folder = join(root, split, `class-${label}`);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < perClass[split]; i++) {
        const rng = rngFrom(1, split, label, i);
        const pixels = Uint8Array.from({ length: side * side * 3 }, () =>
          Math.min(255, 40 * label + rng.integer(120)),
        );
        const raw = { width: side, height: side, channels: 3 } as const;
        await sharp(pixels, { raw })
          .png()
          .toFile(join(folder, `${i}.png`));
      }
    }
  }
}

async function writeTeacher(
  folder: string,
  datasets: Readonly<Record<string, string>>,
) {
  const { imageShape, normalization, classNames } =
    await openDatasets(datasets).get('tiny');
  const network = createNetwork('resnet8', classNames.length);
  const state = network.init(rngFrom(3, 'teacher'));
  const manifest = {
    kind: 'model',
    network: network.name,
    classCount: network.classCount,
    imageShape,
    normalization,
    dataset: 'tiny',
  };
  await writeCheckpoint(folder, { tensors: state, manifest });
  return { network, state };
}
