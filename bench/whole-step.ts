import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rngFrom } from '#distill/data/rng.js';
import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { createNetwork } from '#distill/models/index.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';
import type { EngineName } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import type { World } from '../test/world.js';

/**
 * What the benches of the whole step share: resnet32x4 teaches resnet8x4 by
 * CE + RRD, K = 16384, d = 128, batch 64, on the built-in images.
 */
export const wholeStep = {
  teacher: 'resnet32x4',
  student: 'resnet8x4',
  batchSize: 64,
  capacity: 16384,
  featDim: 128,
  learningRate: 0.05,
} as const;

const prefetch = 4;

/** Steps of one epoch of the built-in images. */
export const stepsOfRun = 32;

/** A data set, and a teacher with weights as drawn: speed does not see them. */
export async function makeWholeStepWorld(): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  const datasets = {};
  const set = await openDatasets(datasets).get('procedural');
  const { imageShape, normalization, classNames } = set;
  const network = createNetwork(wholeStep.teacher, classNames.length);
  const state = network.init(rngFrom(3, 'teacher'));
  const manifest = {
    ...{ kind: 'model', network: network.name, classCount: classNames.length },
    ...{ imageShape, normalization, dataset: set.name },
  };
  const modelsDir = join(root, 'models');
  await writeCheckpoint(join(modelsDir, 'teacher'), {
    ...{ tensors: state, manifest },
  });
  return {
    ...{ datasets, modelsDir, runsDir: join(root, 'runs') },
    teacher: { network, state },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/**
 * @param seed of the views: another one finds nothing in a teacher's cache
 * @param model the teacher's
 */
export function wholeStepExperiment(
  seed: number,
  engine: EngineName,
  model = 'teacher',
): Experiment {
  const { student, batchSize, capacity, featDim, learningRate } = wholeStep;
  return experimentSchema.parse({
    ...{ name: 'whole-step', dataset: 'procedural', engine, prefetch },
    student: { network: student },
    teacher: { model },
    loss: {
      crossEntropy: 1,
      rrd: { weight: 1, preset: 'cli', enqueue: 'before' },
    },
    bank: { capacity, featDim },
    training: { epochs: 1, batchSize, learningRate, seed },
  });
}

interface StepLine {
  readonly type: string;
  readonly loss: number;
  readonly waitMs: number;
  readonly computeMs: number;
}

export interface RunTimes {
  readonly losses: readonly number[];
  /**
   * From one step's end to the next one's, in the stretch where a batch is
   * taught for each that is learnt: not the first steps, for which the teacher
   * worked while the student compiled, nor the last, which it taught before.
   */
  readonly ms: readonly number[];
}

/** Reads a run's measurements. */
export async function timesOf(
  runsDir: string,
  runId: string,
): Promise<RunTimes> {
  const path = join(runsDir, runId, 'measurements.jsonl');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const steps = lines
    .map((line) => JSON.parse(line) as StepLine)
    .filter(({ type }) => type === 'step');
  const steady = steps.slice(prefetch + 2, steps.length - prefetch - 1);
  return {
    losses: steps.map(({ loss }) => loss),
    ms: steady.map(({ waitMs, computeMs }) => waitMs + computeMs),
  };
}
