import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { lossesOf, runToEnd, startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const steps = 18; // 3 epochs of 6

let world: World;
let cluster: LocalCluster;

beforeAll(async () => {
  world = await makeWorld();
  cluster = await startCluster(world, { students: 2 });
}, 60_000);

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

it.each([
  ['cutmix', { kd: {}, augmentedKd: {} }, 2, 2],
  ['mixup, twice', { augmentedKd: { view: 'mixup', views: 2 } }, 1, 1],
  [
    'a second draw beside a queue',
    { rrd: { preset: 'cli' }, augmentedKd: { view: 'redraw' } },
    ...([2, 1] as const),
  ],
  [
    'weights on their way',
    {
      crossEntropy: { from: 1, to: 0, epochs: 2 },
      augmentedKd: {
        weight: { from: 0.1, to: 1, epochs: 2, shape: 'exponential' },
      },
    },
    ...([4, 2] as const),
  ],
] as const)(
  'further views equal those of one process: %s (%j), %i ranks on %i workers',
  async (method, loss, ranks, workers) => {
    const runId = `${method.replace(/[^a-z]+/gi, '-')}-${ranks}`;
    const experiment = tinyExperiment({
      ...{ ranks, workers },
      loss: { crossEntropy: 0.1, ...loss },
      training: { epochs: 3, batchSize: 8 / ranks, learningRate: 0.02 },
    });
    const engine = await createEngine(testEngine);
    const dataset = await openDatasets(world.datasets).get('tiny');
    const reference = await trainInOneProcess({
      ...{ experiment, engine, dataset, steps, teacher: world.teacher },
    });
    const address = cluster.orchestratorAddress;
    const { result } = await runToEnd(address, experiment, runId);
    expect(await lossesOf(world.runsDir, runId)).toEqual(reference.losses);
    const { tensors, training } = await readCheckpoint(result!.checkpoint);
    expect({ ...tensors, ...training }).toMatchObject(reference.state);
  },
  120_000,
);
