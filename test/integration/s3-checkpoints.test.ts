import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  listSteps,
  locationIn,
  readCheckpoint,
  writeCheckpoint,
} from '#runtime/checkpoint/index.js';
import { installModel } from '../../cli/models.js';
import { lossesOf, offerToEnd, runToEnd, startCluster } from '../cluster.js';
import { type S3Server, startS3 } from '../s3.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

/** 4 epochs of 6 steps, a checkpoint after each. */
const experiment = tinyExperiment({
  loss: { crossEntropy: 1, rrd: { weight: 1, preset: 'v2024' } },
  training: { epochs: 4 },
});

let world: World;
let s3: S3Server;
let runs: string;

beforeAll(async () => {
  world = await makeWorld();
  s3 = await startS3();
  runs = locationIn(s3.location, 'team', 'runs');
}, 60_000);

afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** Workers with a disk of their own. */
const startIn = (runsDir: string, keepCheckpoints: number) =>
  startCluster(
    { ...world, runsDir: join(world.runsDir, runsDir) },
    { settings: { student: { checkpoints: runs, keepCheckpoints } } },
  );

it('a run goes on bit by bit on a machine that shares only the bucket', async () => {
  {
    await using first = await startIn('first', 100);
    const address = first.orchestratorAddress;
    const { result } = await runToEnd(address, experiment, 'whole');
    const last = locationIn(runs, 'whole', 'step-00000024');
    expect(result?.checkpoint).toBe(last);
    await installModel(last, world.modelsDir, 'student');
  }
  // As a worker that died would leave it, under a name that is not over yet.
  const left = await readCheckpoint(locationIn(runs, 'whole', 'step-00000012'));
  await writeCheckpoint(locationIn(runs, 'moved', 'step-00000012'), left);

  await using second = await startIn('second', 1);
  const work = { runId: 'moved', attempt: 2, experiment };
  expect(await offerToEnd(second.bus, work)).toMatchObject({
    type: 'succeeded',
    result: { steps: 24 },
  });
  const losses = await lossesOf(join(world.runsDir, 'first'), 'whole');
  const moved = await lossesOf(join(world.runsDir, 'second'), 'moved');
  expect(moved).toEqual(losses.slice(12));
  const kept = await listSteps(locationIn(runs, 'moved'));
  expect(kept.map(({ step }) => step)).toEqual([24]);
  const [expected, actual] = await Promise.all(
    ['whole', 'moved'].map((runId) =>
      readCheckpoint(locationIn(runs, runId, 'step-00000024')),
    ),
  );
  expect(actual!.tensors).toEqual(expected!.tensors);
  expect(actual!.training).toEqual(expected!.training);
}, 120_000);

it('a store that cannot be reached ends the run as CHECKPOINT_STORAGE', async () => {
  await using cluster = await startCluster(world, {
    settings: { student: { checkpoints: 's3://no-such-bucket' } },
  });
  const work = { runId: 'nowhere', attempt: 1, experiment };
  expect(await offerToEnd(cluster.bus, work)).toMatchObject({
    type: 'failed',
    failure: {
      reason: 'CHECKPOINT_STORAGE',
      message: expect.stringContaining('s3://no-such-bucket/nowhere') as string,
    },
  });
}, 60_000);
