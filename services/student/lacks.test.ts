import { expect, it } from 'vitest';
import { tinyExperiment } from '../../test/world.js';
import { lackOf } from './lacks.js';

const datasets = { definitions: { tiny: 'folder:/tiny' } };

it.each([
  [{}, undefined, undefined],
  [{ dataset: 'other' }, undefined, 'DATASET_NOT_FOUND'],
  [{ gpuMemoryGiB: 40 }, undefined, 'GPU_MEMORY'],
  [{ gpuMemoryGiB: 40 }, 39.9, 'GPU_MEMORY'],
  [{ gpuMemoryGiB: 40 }, 40, undefined],
  [{ engine: 'cpu' }, undefined, undefined],
])('a run of %o on a GPU of %s GiB lacks %s', async (needs, has, reason) => {
  const experiment = { ...tinyExperiment({}), ...needs };
  const config = has === undefined ? {} : { gpuMemoryGiB: has };
  const lack = await lackOf(experiment, config, datasets);
  expect(lack?.reason).toBe(reason);
});

it('what is no experiment lacks nothing', async () => {
  expect(await lackOf({ dataset: 3 }, {}, datasets)).toBeUndefined();
});
