import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import type { Precision } from '#distill/precision.js';
import type { Engine } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
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

  it('and is refused for a student whose maps do not fit', async () => {
    const experiment = experimentOf({ kdsvd: {} }, 'wrn_16_2');
    const run = runToEnd(cluster.orchestratorAddress, experiment, 'unfit');
    await expect(run).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('kdsvd: maps of') as string,
    });
  }, 60_000);
});
