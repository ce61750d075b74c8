import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import { roundRows } from '#distill/precision.js';
import { createEngine } from '#runtime/compute/index.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { openDatasets } from '#runtime/data/index.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import {
  lossesOf,
  maxRelativeDifference,
  runToEnd,
  startCluster,
} from '../cluster.js';
import { startCuttingProxy } from '../cutting-proxy.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const steps = 54; // 9 epochs of 6

/** Where a third of the epochs says as much. */
function shorter(experiment: Experiment): Experiment {
  return { ...experiment, training: { ...experiment.training, epochs: 3 } };
}

async function oneProcess(world: World, experiment: Experiment) {
  const engine = await createEngine(testEngine);
  const dataset = await openDatasets(world.datasets).get('tiny');
  const { teacher } = world;
  const steps = 6 * experiment.training.epochs;
  return trainInOneProcess({ experiment, engine, dataset, teacher, steps });
}

describe('a student over the services equals the same experiment in one process', () => {
  let world: World;
  let cluster: LocalCluster;

  beforeAll(async () => {
    world = await makeWorld();
    cluster = await startCluster(world);
  }, 60_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it.each(['before', 'after'] as const)(
    'at every step, whatever the prefetch, enqueueing %s the step',
    async (enqueue) => {
      const experiment = longExperiment(enqueue, 1);
      const reference = await oneProcess(world, experiment);
      for (const prefetch of [1, 4]) {
        const runId = `${enqueue}-${prefetch}`;
        const { result } = await runToEnd(
          cluster.orchestratorAddress,
          longExperiment(enqueue, prefetch),
          runId,
        );
        const losses = await lossesOf(world.runsDir, runId);
        const difference = maxRelativeDifference(losses, reference.losses);
        console.log(
          `one process, ${enqueue}, prefetch ${prefetch}: ${losses.length} steps, max relative difference ${difference}, ` +
            `${result?.imagesPerSecond.toFixed(0)} img/s over services, ${reference.imagesPerSecond.toFixed(0)} img/s without`,
        );
        expect(losses.length).toBe(steps);
        expect(difference).toBeLessThanOrEqual(1e-6);
        expect(result?.bankVersions).toBe(steps);
      }
    },
    120_000,
  );

  it.each([
    [2, 'before', 4],
    [2, 'after', 1],
    [4, 'before', 1],
    [4, 'after', 4],
  ] as const)(
    'with %i ranks too, loss and state, enqueueing %s, prefetch %i',
    async (ranks, enqueue, prefetch) => {
      const runId = `ranks-${ranks}-${enqueue}`;
      const whole = longExperiment(enqueue, prefetch, ranks);
      const experiment = ranks > 2 ? shorter(whole) : whole;
      const reference = await oneProcess(world, experiment);
      const address = cluster.orchestratorAddress;
      const { result } = await runToEnd(address, experiment, runId);
      expect(await lossesOf(world.runsDir, runId)).toEqual(reference.losses);
      expect(result?.bankVersions).toBe(6 * experiment.training.epochs);
      const saved = await readCheckpoint(result!.checkpoint);
      const state = { ...saved.tensors, ...saved.training };
      const last = `rank${ranks - 1}.bn1.running_mean`;
      expect(state[last]).not.toEqual(state['bn1.running_mean']);
      expect(state).toMatchObject(reference.state);
    },
    120_000,
  );

  it('with convolutions in bfloat16, whose losses are others', async () => {
    const exact = shorter(longExperiment('before', 4, 2));
    const training = { ...exact.training, precision: 'bfloat16' } as const;
    const experiment = { ...exact, training };
    const reference = await oneProcess(world, experiment);
    const address = cluster.orchestratorAddress;
    await runToEnd(address, experiment, 'halves');
    const losses = await lossesOf(world.runsDir, 'halves');
    expect(losses).toEqual(reference.losses);
    const float32 = await oneProcess(world, exact);
    const apart = maxRelativeDifference(losses, float32.losses);
    expect(apart).toBeGreaterThan(1e-5);
    expect(apart).toBeLessThan(0.1);
  }, 120_000);

  it.each([
    ['float16', 'before', 1],
    ['float16', 'after', 2],
    ['bfloat16', 'before', 2],
  ] as const)(
    'with a queue of %s, enqueueing %s, with %i ranks',
    async (precision, enqueue, ranks) => {
      const runId = `${precision}-${enqueue}`;
      const whole = longExperiment(enqueue, 4, ranks, { precision });
      const experiment = shorter(whole);
      const reference = await oneProcess(world, experiment);
      const address = cluster.orchestratorAddress;
      const { result } = await runToEnd(address, experiment, runId);
      expect(await lossesOf(world.runsDir, runId)).toEqual(reference.losses);
      const saved = await readCheckpoint(result!.checkpoint);
      const rows = saved.training?.['queue.rows']?.data as Float32Array;
      expect(roundRows(rows, precision)).toEqual(rows);
    },
    120_000,
  );

  it('also when the teacher has to be sent pixels', async () => {
    await using cluster = await startCluster(world, {
      settings: { teacher: { datasets: {} } },
    });
    const experiment = shorter(longExperiment('before', 4));
    const reference = await oneProcess(world, experiment);
    await runToEnd(cluster.orchestratorAddress, experiment, 'pixels');
    const losses = await lossesOf(world.runsDir, 'pixels');
    expect(losses).toEqual(reference.losses);
  }, 120_000);

  it('also when the teacher speaks the protocol of KServe and Triton', async () => {
    await using cluster = await startCluster(world, {
      settings: { student: { teacherProtocol: 'kserve' } },
    });
    const experiment = shorter(longExperiment('before', 4));
    const reference = await oneProcess(world, experiment);
    const address = cluster.orchestratorAddress;
    const { result } = await runToEnd(address, experiment, 'kserve');
    const losses = await lossesOf(world.runsDir, 'kserve');
    expect(losses).toEqual(reference.losses);
    expect(result?.bankVersions).toBe(losses.length);
  }, 120_000);

  it('also when the connections to teacher and bank are cut again and again', async () => {
    await using bankProxy = await startCuttingProxy(400);
    await using teacherProxy = await startCuttingProxy(700);
    await using cluster = await startCluster(world, {
      settings: {
        student: {
          memoryBank: bankProxy.address,
          teacher: teacherProxy.address,
        },
      },
    });
    bankProxy.target = cluster.memoryBankAddress;
    teacherProxy.target = cluster.teacherAddress;
    const experiment = longExperiment('before', 4);
    const reference = await oneProcess(world, experiment);
    await runToEnd(cluster.orchestratorAddress, experiment, 'cut');
    expect(await lossesOf(world.runsDir, 'cut')).toEqual(reference.losses);
    expect(bankProxy.cuts).toBeGreaterThan(2);
    expect(teacherProxy.cuts).toBeGreaterThan(2);
  }, 120_000);
});
