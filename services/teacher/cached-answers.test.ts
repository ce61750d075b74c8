import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowCache } from './cache/row-cache.js';
import { CachedAnswers } from './cached-answers.js';
import type { Job, JobResult } from './job.js';
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

describe('images that several ask for at a time', () => {
  const [featureDim, classCount] = [2, 3];
  const description = {
    ...{ network: 'any', engine: 'none', digest: 'd', featureDim, classCount },
    imageShape: [1, 1, 1] as const,
  };

  /** Answers whose passes end when they are told to. */
  async function open() {
    const cache = await RowCache.open({ memoryBytes: 1e6, diskBytes: 0 });
    const lookups: { hits: number; misses: number }[] = [];
    const answers = new CachedAnswers(description, cache, (lookup) =>
      lookups.push(lookup),
    );
    const passes: { count: number; end: (error?: Error) => void }[] = [];
    const compute = ({ count, images }: Job) =>
      new Promise<JobResult>((resolve, reject) => {
        const rows = (width: number) => ({
          shape: [count, width],
          data: Float32Array.from(
            { length: count * width },
            (_, i) => images[Math.floor(i / width)]!,
          ),
        });
        const result = { features: rows(featureDim), logits: rows(classCount) };
        const end = (error?: Error) =>
          error ? reject(error) : resolve(result);
        passes.push({ count, end });
      });
    const run = async (...pixels: number[]) => {
      const job: Job = {
        ...{ images: Uint8Array.from(pixels), count: pixels.length },
        outputs: new Set(['features']),
      };
      return [...(await answers.run(job, compute)).features!.data];
    };
    return { run, passes, lookups };
  }

  const turn = () => new Promise(setImmediate);

  it('are computed once, also twice in one request', async () => {
    const { run, passes, lookups } = await open();
    const first = run(1, 2, 1);
    await turn();
    const second = run(2, 3);
    await turn();
    expect(passes.map(({ count }) => count)).toEqual([2, 1]);
    passes.forEach(({ end }) => end());
    expect(await first).toEqual([1, 1, 2, 2, 1, 1]);
    expect(await second).toEqual([2, 2, 3, 3]);
    expect(lookups).toEqual([
      { hits: 1, misses: 2 },
      { hits: 1, misses: 1 },
    ]);
  });

  it('are computed by the next one when the first fails', async () => {
    const { run, passes } = await open();
    const first = run(7);
    await turn();
    const second = run(7);
    await turn();
    passes[0]!.end(new Error('cancelled'));
    await expect(first).rejects.toThrow('cancelled');
    await turn();
    passes[1]!.end();
    expect(await second).toEqual([7, 7]);
  });
});
