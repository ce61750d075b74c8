import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatasets } from '#runtime/data/index.js';
import { createLogger } from '#runtime/logger.js';
import { connect } from '#runtime/rpc/client.js';
import { precompute } from '../../cli/precompute.js';
import { toConfig } from '../../services/teacher/config.js';
import { startTeacher } from '../../services/teacher/service.js';
import { testEngine } from '../engine.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

let world: World;

beforeAll(async () => {
  world = await makeWorld();
});

afterAll(() => world[Symbol.asyncDispose]());

const log = createLogger('test', { level: 'silent' });

/** Without batches there is nothing but the cache to answer from. */
const neverABatch = { nowMs: () => 0, after: () => () => undefined };

function start(clock?: typeof neverABatch) {
  const { datasets, modelsDir } = world;
  const cache = { memoryBytes: 0, dir: join(world.runsDir, 'cache') };
  const config = toConfig({ datasets, modelsDir, engine: testEngine, cache });
  return startTeacher(config, { log, ...(clock && { clock }) });
}

const options = () => ({
  ...{ tls: undefined, datasets: world.datasets, onBatch: () => undefined },
  signal: new AbortController().signal,
});

it('leaves nothing of a run for the teacher to compute', async () => {
  const experiment = tinyExperiment();
  const { training } = experiment;
  const { digest } = await openDatasets(world.datasets).get('tiny');
  const first = await start();
  const done = await precompute(experiment, {
    ...options(),
    teacher: first.address,
  });
  await first.close();
  expect(done).toMatchObject({ images: 96, totalImages: 96 }); // 48, 2 epochs
  const second = await start(neverABatch);
  const client = connect('rrd.v1.TeacherService', second.address);
  for (const epoch of [1, 2]) {
    const { features } = await client.extract({
      model: 'teacher',
      refs: {
        ...{ dataset: 'tiny', datasetDigest: digest },
        ...{ split: 'SPLIT_TRAIN', epoch },
        indices: Array.from({ length: 48 }, (_, index) => index),
        augmentation: 'AUGMENTATION_CROP_FLIP',
        augmentationSeed: training.seed,
      },
      outputs: ['TEACHER_OUTPUT_FEATURES'],
    });
    expect(features!.shape).toEqual([48, 64]);
  }
  client.close();
  await second.close();
});

it('refuses an experiment that has no teacher', async () => {
  const experiment = tinyExperiment({
    ...{ loss: { crossEntropy: 1 }, teacher: undefined },
  });
  const asking = precompute(experiment, { ...options(), teacher: 'nobody:1' });
  await expect(asking).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    metadata: { field: 'experiment', value: 'tiny' },
  });
});
