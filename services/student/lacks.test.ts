import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { startCluster } from '../../test/cluster.js';
import { makeWorld, tinyExperiment, type World } from '../../test/world.js';
import { toConfig } from './config.js';
import { lackOf } from './lacks.js';

const datasets = { definitions: { tiny: 'folder:/tiny' } };
const unreachable = '127.0.0.1:9';

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

it.each([
  [{}, {}, undefined],
  [{ dataset: 'other' }, {}, 'DATASET_NOT_FOUND'],
  [{ engine: 'cpu' }, {}, undefined],
  [{ gpuMemoryGiB: 40 }, {}, 'GPU_MEMORY'],
  [{ gpuMemoryGiB: 40 }, { gpuMemoryGiB: 39.9 }, 'GPU_MEMORY'],
  [{ gpuMemoryGiB: 40 }, { gpuMemoryGiB: 40 }, undefined],
  [{ teacher: { model: 'absent' } }, {}, 'MODEL_NOT_FOUND'],
  [{ teacher: { model: 'absent' } }, { teacher: unreachable }, undefined],
  [
    { teacher: { model: 'absent' } },
    { teacherProtocol: 'kserve' as const },
    undefined,
  ],
])('a run of %o lacks, at a worker with %o: %s', async (needs, has, reason) => {
  const teacher = cluster.teacherAddress;
  const experiment = { ...tinyExperiment({}), ...needs };
  const lack = await lackOf(
    experiment,
    toConfig({ teacher, ...has }),
    datasets,
  );
  expect(lack?.reason).toBe(reason);
});

it('a worker without a teacher lacks every model', async () => {
  const lack = await lackOf(tinyExperiment({}), toConfig(), datasets);
  expect(lack).toMatchObject({ metadata: { model: 'teacher' } });
});

it('what is no experiment lacks nothing', async () => {
  const lack = await lackOf({ dataset: 3 }, toConfig(), datasets);
  expect(lack).toBeUndefined();
});
