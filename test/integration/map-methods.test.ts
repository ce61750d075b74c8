import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import type { Precision } from '#distill/precision.js';
import type { Engine } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
import { exportOnnx } from '#runtime/compute/onnx/export.js';
import { openDatasets } from '#runtime/data/index.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import {
  lossesOf,
  maxRelativeDifference,
  runToEnd,
  startCluster,
} from '../cluster.js';
import { trainInOneProcess } from '../one-process.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const steps = 6; // one epoch

let world: World;
let cluster: LocalCluster;
let engine: Engine;

beforeAll(async () => {
  world = await makeWorld();
  cluster = await startCluster(world, { engine: 'onnx' });
  engine = await createEngine('onnx');
}, 60_000);

afterAll(async () => {
  await engine.dispose();
  await cluster[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const experimentOf = (
  loss: object,
  network = 'resnet8',
  mapPrecision: Precision = 'float32',
) => ({
  ...tinyExperiment({
    teacher: { model: 'teacher', mapPrecision },
    loss: { crossEntropy: 1, ...loss },
    engine: 'onnx',
    training: { epochs: 1, learningRate: 0.01 },
  }),
  student: { network } as ReturnType<typeof tinyExperiment>['student'],
});

const maps = ['maps.0', 'maps.1', 'maps.2', 'maps.3'] as const;
const preactivations = maps
  .slice(1)
  .map((_, i) => `preactivations.${i + 1}` as const);

/** The world's teacher in another form. */
async function writeOnnxTeacher(
  name: string,
  outputs: object = { maps, preactivations: ['maps.0', ...preactivations] },
) {
  const { imageShape, normalization } = await openDatasets(world.datasets).get(
    'tiny',
  );
  const folder = join(world.modelsDir, name);
  await mkdir(folder, { recursive: true });
  const images = { shape: [...imageShape], ...normalization };
  const model = { network: name, file: 'model.onnx', images, outputs };
  await writeFile(join(folder, 'model.yaml'), stringify(model));
  const { network, state } = world.teacher;
  const bytes = exportOnnx(network, state, {
    ...{ imageShape, foldBatchNorm: false },
    maps: [...maps, ...preactivations],
  });
  await writeFile(join(folder, 'model.onnx'), bytes);
}

async function lossesOfOneProcess(experiment: Experiment) {
  const { losses } = await trainInOneProcess({
    ...{ experiment, engine, steps, teacher: world.teacher },
    dataset: await openDatasets(world.datasets).get('tiny'),
  });
  return losses;
}

async function lossesOfServices(experiment: Experiment, runId: string) {
  await runToEnd(cluster.orchestratorAddress, experiment, runId);
  return lossesOf(world.runsDir, runId);
}

describe('a method of maps over the services equals it in one process', () => {
  it.each([
    ['fitnet', { fitnet: {} }],
    ['at', { at: {} }],
    ['sp', { sp: {} }],
    ['vid', { vid: {} }],
    ['nst', { nst: {} }],
    ['kdsvd', { kdsvd: {} }],
    ['several', { fitnet: { layer: 1 }, at: {}, sp: {}, kd: {} }],
  ])(
    '%s',
    async (runId, loss) => {
      const experiment = experimentOf(loss);
      const reference = await lossesOfOneProcess(experiment);
      const losses = await lossesOfServices(experiment, runId);
      expect(losses.every(Number.isFinite)).toBe(true);
      const difference = maxRelativeDifference(losses, reference);
      expect(losses).toHaveLength(steps);
      expect(difference).toBeLessThanOrEqual(1e-6);
    },
    60_000,
  );

  it.each(['float16', 'bfloat16'] as const)(
    'bit by bit with maps in %s',
    async (precision) => {
      const loss = { fitnet: {}, at: {}, sp: {} };
      const experiment = experimentOf(loss, 'resnet8', precision);
      const losses = await lossesOfServices(experiment, precision);
      expect(losses).toEqual(await lossesOfOneProcess(experiment));
      const whole = await lossesOfOneProcess(experimentOf(loss));
      const difference = maxRelativeDifference(losses, whole);
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(0.05);
    },
    60_000,
  );

  it.each([
    ['at', { at: {} }],
    ['ab', { ab: { stageEpochs: 0, inRun: true } }],
  ])(
    'also %s of a teacher that is an ONNX file',
    async (name, loss) => {
      await writeOnnxTeacher('exported');
      const experiment = experimentOf(loss);
      const whole = await lossesOfOneProcess(experiment);
      const teacher = { ...experiment.teacher!, model: 'exported' };
      const onnx = { ...experiment, teacher };
      const losses = await lossesOfServices(onnx, `onnx-${name}`);
      const difference = maxRelativeDifference(losses, whole);
      expect(losses).toHaveLength(steps);
      expect(difference).toBeLessThanOrEqual(1e-4);
    },
    60_000,
  );

  it('and is refused for a teacher that has none', async () => {
    await writeOnnxTeacher('without', {});
    const experiment = experimentOf({ at: {} });
    const teacher = { ...experiment.teacher!, model: 'without' };
    const run = lossesOfServices({ ...experiment, teacher }, 'without');
    await expect(run).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('teacher.model') as string,
    });
  }, 60_000);

  it('and is refused for a student whose maps do not fit', async () => {
    const experiment = experimentOf({ kdsvd: {} }, 'wrn_16_2');
    const run = runToEnd(cluster.orchestratorAddress, experiment, 'unfit');
    await expect(run).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('kdsvd: maps of') as string,
    });
  }, 60_000);
});
