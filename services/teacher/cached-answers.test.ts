import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  projection,
  startFixture,
  type Fixture,
  type Refs,
} from './service.test-fixture.js';

const off = { memoryBytes: 0 };

let dir: string;
/** Computes everything. */
let plain: Fixture;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rrd-cached-'));
  plain = await startFixture({ cache: off });
});

afterAll(async () => {
  await plain.close();
  await rm(dir, { recursive: true });
});

const ask = (from: Fixture, indices: number[], fields?: Refs) =>
  from.extract({
    refs: from.refs(indices, fields),
    outputs: [
      'TEACHER_OUTPUT_FEATURES',
      'TEACHER_OUTPUT_LOGITS',
      'TEACHER_OUTPUT_EMBEDDINGS',
    ],
    projection,
  });

/** On a clock that stands still only a full batch is ever computed. */
const still = { nowMs: () => 0, after: () => () => undefined };

describe('a teacher with a cache', () => {
  it('gives the bytes of one without: cold, in part, warm, restarted', async () => {
    const cache = { ...off, dir };
    const caching = await startFixture({ cache });
    for (const indices of [
      [3, 1, 3],
      [1, 2, 3, 4],
      [4, 3, 2, 1],
    ]) {
      const expected = await ask(plain, indices);
      expect(await ask(caching, indices)).toEqual(expected);
    }
    await caching.close();
    const restarted = await startFixture({ cache }, still);
    expect(await ask(restarted, [1, 3])).toEqual(await ask(plain, [1, 3]));
    await restarted.close();
  });

  it('answers from memory without a batch', async () => {
    const caching = await startFixture({}, still);
    const all = [...Array(16).keys()];
    await ask(caching, all);
    expect(await ask(caching, [7])).toEqual(await ask(plain, [7]));
    await caching.close();
  });

  it('tells views, models and projections apart', async () => {
    const caching = await startFixture();
    await ask(caching, [5]);
    const none = { augmentation: 'AUGMENTATION_NONE' } as const;
    for (const fields of [{ epoch: 3 }, { augmentationSeed: 12 }, none]) {
      const expected = await ask(plain, [5], fields);
      expect(await ask(caching, [5], fields)).toEqual(expected);
    }
    const request = {
      refs: plain.refs([5]),
      outputs: ['TEACHER_OUTPUT_EMBEDDINGS'] as 'TEACHER_OUTPUT_EMBEDDINGS'[],
    };
    for (const other of [
      { model: 'other-weights', projection },
      { projection: { seed: 8, featDim: 6 } },
    ]) {
      const expected = await plain.extract({ ...request, ...other });
      expect(await caching.extract({ ...request, ...other })).toEqual(expected);
    }
    await caching.close();
  });
});
