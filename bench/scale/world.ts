import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Split } from '#distill/data/dataset.js';
import { createProceduralDataset } from '#distill/data/procedural.js';
import { rngFrom } from '#distill/data/rng.js';
import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { createNetwork } from '#distill/models/index.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';
import { type EngineName } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import type { NatsServer } from '../../test/nats.js';
import { type Environments, ProcessCluster } from '../../test/processes.js';
import type { World } from '../../test/world.js';

/**
 * What the benches of scale share: resnet8x4 learns from another resnet8x4 by
 * CE + RRD, K = 16384, d = 128, batch 64 of each rank, on 12 batches of images.
 * The teacher is cheap, so that what services cost hides behind nothing.
 */
export const network = 'resnet8x4';
export const batchSize = 64;
export const featDim = 128;
export const prefetch = 2;

/** Steps of a run, of any number of ranks that divides it. */
export const stepsOfRun = 12;

const sizes: Record<Split, number> = {
  train: stepsOfRun * batchSize,
  test: batchSize,
};

export async function makeScaleWorld(): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  const images = join(root, 'images');
  for (const split of ['train', 'test'] as const) {
    await writeImages(images, split);
  }
  const datasets = { small: `folder:${images}` };
  const set = await openDatasets(datasets).get('small');
  const { imageShape, normalization, classNames } = set;
  const teacher = createNetwork(network, classNames.length);
  const state = teacher.init(rngFrom(3, 'teacher'));
  const manifest = {
    ...{ kind: 'model', network, classCount: classNames.length },
    ...{ imageShape, normalization, dataset: set.name },
  };
  const modelsDir = join(root, 'models');
  const model = join(modelsDir, 'teacher');
  await writeCheckpoint(model, { tensors: state, manifest });
  return {
    ...{ datasets, modelsDir, runsDir: join(root, 'runs') },
    teacher: { network: teacher, state },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function writeImages(root: string, split: Split): Promise<void> {
  const size = sizes[split];
  const options = { seed: 0, trainSize: size, testSize: size };
  const set = createProceduralDataset(options);
  const pictures = set.split(split);
  const raw = { width: 32, height: 32, channels: 3 } as const;
  for (const name of set.classNames) {
    await mkdir(join(root, split, name), { recursive: true });
  }
  for (let i = 0; i < size; i++) {
    const name = set.classNames[pictures.label(i)]!;
    const path = join(root, split, name, `${i}.png`);
    await sharp(await pictures.images([i]), { raw }).toFile(path);
  }
}

/** What tells one run of these benches from another. */
export interface Variant {
  /** Of the weights. */
  readonly seed?: number;
  /** Of the views: another one finds nothing in a teacher's cache. */
  readonly dataSeed: number;
  readonly ranks?: number;
  /** As many as ranks, unless it says otherwise. */
  readonly workers?: number;
  readonly studentTemperature?: number;
  /** The same views in all epochs. */
  readonly still?: boolean;
}

export function scaleExperiment(
  engine: EngineName,
  { seed = 1, dataSeed, ranks = 1, workers = ranks, ...rest }: Variant,
): Experiment {
  const { studentTemperature = 0.1, still = false } = rest;
  const augmentation = still ? 'none' : 'crop-flip';
  // As many steps whatever the number of ranks, and nothing between them.
  const whole = { epochs: ranks, evaluateEvery: ranks, checkpointEvery: ranks };
  return experimentSchema.parse({
    ...{ name: 'scale', dataset: 'small', engine, prefetch, ranks, workers },
    student: { network },
    teacher: { model: 'teacher' },
    loss: {
      crossEntropy: 1,
      rrd: { studentTemperature, teacherTemperature: 0.02, enqueue: 'before' },
    },
    bank: { featDim },
    training: { ...whole, batchSize, seed, dataSeed, augmentation },
  });
}

export interface ScalePlace {
  readonly world: World;
  readonly nats: NatsServer;
  readonly engine: EngineName;
}

/** The four services, with as many students as are asked for. */
export async function startScale(
  { world, nats, engine }: ScalePlace,
  students: number,
  environments: Environments,
  teacher: Readonly<Record<string, string | number>> = {},
): Promise<ProcessCluster> {
  const settings = {
    // It comes with the clock, not with steps: none within a run.
    'memory-bank': { HEALTH_MS: 3_600_000 },
    teacher: { ENGINE: engine, ...teacher },
    student: { ENGINE: engine, PROGRESS_MS: 10 },
  };
  const cluster = await ProcessCluster.start(
    ...([world, nats, settings, environments] as const),
  );
  while (cluster.all('student').length < students) {
    await cluster.spawn('student');
  }
  return cluster;
}
