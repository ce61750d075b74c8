import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { lossesOf, offerToEnd, runToEnd, startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const steps = 18; // 3 epochs of 6

const experimentOf = (loss: object, ranks: number, workers: number) =>
  tinyExperiment({
    ...{ ranks, workers },
    loss: { crossEntropy: 1, ...loss },
    training: {
      ...{ epochs: 3, batchSize: 8 / ranks, learningRate: 0.02 },
      checkpointEverySteps: 4,
    },
  });

const temperatures = { studentTemperature: 0.1, teacherTemperature: 0.2 };

async function oneProcess(world: World, experiment: Experiment) {
  const engine = await createEngine(testEngine);
  const dataset = await openDatasets(world.datasets).get('tiny');
  const { teacher } = world;
  return trainInOneProcess({ experiment, engine, dataset, teacher, steps });
}

const stateOf = async (checkpoint: string) => {
  const { tensors, training } = await readCheckpoint(checkpoint);
  return { ...tensors, ...training };
};

describe('memories of all samples in the bank equal those of one process', () => {
  let world: World;
  let cluster: LocalCluster;

  beforeAll(async () => {
    world = await makeWorld();
    cluster = await startCluster(world, {
      students: 3,
      settings: { student: { keepCheckpoints: 100 } },
    });
  }, 60_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it.each([
    ['crdMemory', { crdMemory: { negatives: 9 } }, 1, 1],
    ['rrdMemory', { rrdMemory: { negatives: 5, ...temperatures } }, 2, 1],
    ['crdMemory', { crdMemory: { negatives: 9, momentum: 0.9 } }, 2, 2],
    [
      'crdMemory beside rrd',
      { crdMemory: { negatives: 9 }, rrd: { preset: 'cli' } },
      ...([4, 3] as const),
    ],
  ] as const)(
    '%s %j: %i ranks on %i workers, loss and state',
    async (method, loss, ranks, workers) => {
      const runId = `${method.replaceAll(' ', '-')}-${ranks}`;
      const experiment = experimentOf(loss, ranks, workers);
      const reference = await oneProcess(world, experiment);
      const address = cluster.orchestratorAddress;
      const { result } = await runToEnd(address, experiment, runId);
      expect(await lossesOf(world.runsDir, runId)).toEqual(reference.losses);
      const state = await stateOf(result!.checkpoint);
      expect(state).toMatchObject(reference.state);
    },
    120_000,
  );

  it('and go on bit by bit from a checkpoint', async () => {
    const experiment = experimentOf({ crdMemory: { negatives: 9 } }, 1, 1);
    const whole = await runToEnd(
      cluster.orchestratorAddress,
      experiment,
      'whole',
    );
    const losses = await lossesOf(world.runsDir, 'whole');
    for (const step of [4, 12]) {
      const runId = `from-${step}`;
      const part = `step-${String(step).padStart(8, '0')}`;
      const [from, to] = ['whole', runId].map((id) =>
        join(world.runsDir, id, 'checkpoints', part),
      );
      await cp(from!, to!, { recursive: true });
      const work = { runId, attempt: 2, experiment };
      const last = await offerToEnd(cluster.bus, work);
      expect(last).toMatchObject({ type: 'succeeded' });
      expect(await lossesOf(world.runsDir, runId)).toEqual(losses.slice(step));
      const { checkpoint } = (last as { result: { checkpoint: string } })
        .result;
      expect(await stateOf(checkpoint)).toEqual(
        await stateOf(whole.result!.checkpoint),
      );
    }
  }, 120_000);
});
