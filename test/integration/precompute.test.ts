import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '#runtime/logger.js';
import { precompute } from '../../cli/precompute.js';
import { toConfig } from '../../services/teacher/config.js';
import { startTeacher } from '../../services/teacher/service.js';
import { runToEnd, startCluster } from '../cluster.js';
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
  const experiment = tinyExperiment({
    loss: {
      ...{ crossEntropy: 1, kd: {}, rrd: { preset: 'paper' } },
      augmentedKd: { view: 'redraw', views: 2 },
    },
  });
  const first = await start();
  const done = await precompute(experiment, {
    ...options(),
    teacher: first.address,
  });
  await first.close();
  const images = 12 + 48 * 2 * 3; // tested, and of 2 epochs in 3 views
  expect(done).toMatchObject({ images, totalImages: images });
  const second = await start(neverABatch);
  const student = { teacher: second.address };
  const cluster = await startCluster(world, { settings: { student } });
  const { phase, result } = await runToEnd(
    cluster.orchestratorAddress,
    experiment,
    'known',
  );
  expect(phase).toBe('RUN_PHASE_SUCCEEDED');
  expect(result?.agreementWithTeacher).toBeDefined();
  await cluster[Symbol.asyncDispose]();
  await second.close();
}, 60_000);

it.each([
  ['a stage, whose maps are not kept', { ab: { stageEpochs: 3 } }, {}, 48 * 2],
  ['maps in every step', { at: {} }, {}, 0],
  ['mixed views', { augmentedKd: { view: 'cutmix' } }, {}, 48 * 2],
  ['one view of each image', {}, { augmentation: 'none' }, 48],
])('asks for what can be kept: %s', async (_, loss, training, images) => {
  const experiment = tinyExperiment({
    loss: { crossEntropy: 1, kd: {}, ...loss },
    training,
  });
  const teacher = await start();
  const done = await precompute(experiment, {
    ...options(),
    teacher: teacher.address,
  });
  await teacher.close();
  expect(done.images).toBe(12 + images);
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
