import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import type { Dataset } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { sizeOf } from '#distill/tensors.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { lossesOf, runToEnd, startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { observe, type Observed } from '../observed.js';
import { batchAt, trainInOneProcess } from '../one-process.js';
import { spawnService, type ServiceProcess } from '../processes.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const steps = 12; // 2 epochs of 6

/** Two students that differ in all but their data. */
const students: readonly Experiment[] = [
  tinyExperiment({ training: { seed: 1, dataSeed: 5 } }),
  tinyExperiment({
    loss: { crossEntropy: 1, rrd: { preset: 'v2024' } },
    bank: { capacity: 30 },
    training: { seed: 2, dataSeed: 5 },
  }),
];

/** What a student shows its teacher, each image once: rows of its pixels. */
async function viewsOf(experiment: Experiment, dataset: Dataset) {
  const width = sizeOf(dataset.imageShape);
  const seen = new Set<string>();
  const add = (images: Float32Array) => {
    for (let start = 0; start < images.length; start += width) {
      seen.add(images.subarray(start, start + width).join());
    }
  };
  for (let step = 0; step < steps; step++) {
    add((await batchAt(step, experiment, dataset)).images.data);
  }
  const test = dataset.split('test');
  const all = await test.images(Array.from({ length: test.size }, (_, i) => i));
  add(normalize(new Uint8Array(all), dataset.normalization));
  return seen;
}

describe('two students at once that share their data and their teacher', () => {
  let world: World;
  let observed: Observed;
  let teacher: ServiceProcess;
  let cluster: LocalCluster;

  beforeAll(async () => {
    world = await makeWorld();
    observed = await observe(1, () => ({}));
    const { modelsDir: MODELS_DIR, datasets } = world;
    const settings = { MODELS_DIR, ENGINE: testEngine };
    teacher = await spawnService(
      'teacher',
      { ...settings, DATASETS__TINY: datasets['tiny']! },
      undefined,
      observed.environments('teacher'),
    );
    cluster = await startCluster(world, {
      students: 2,
      settings: { student: { teacher: teacher.address } },
    });
    const { orchestratorAddress } = cluster;
    const runs = students.map((experiment, i) =>
      runToEnd(orchestratorAddress, experiment, `student-${i}`),
    );
    await Promise.all(runs);
  }, 120_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await teacher[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it('have each view computed once', async () => {
    const dataset = await openDatasets(world.datasets).get('tiny');
    const [first, second] = await Promise.all(
      students.map((experiment) => viewsOf(experiment, dataset)),
    );
    expect(second).toEqual(first);
    const computed = await observed.total('teacher', 'rrd_teacher_images');
    expect(computed).toBe(first!.size);
    const hits = await observed.total('teacher', 'rrd_teacher_cache_hits');
    expect(hits).toBeGreaterThanOrEqual(computed);
  });

  it.each([0, 1])('have the losses of runs alone: student %i', async (i) => {
    const experiment = students[i]!;
    const engine = await createEngine(testEngine);
    const dataset = await openDatasets(world.datasets).get('tiny');
    const alone = await trainInOneProcess({
      ...{ experiment, engine, dataset, steps, teacher: world.teacher },
    });
    const losses = await lossesOf(world.runsDir, `student-${i}`);
    expect(losses).toEqual(alone.losses);
  });
});
