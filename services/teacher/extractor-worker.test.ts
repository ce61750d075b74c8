import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { createNetwork } from '#distill/models/index.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';
import { ThreadLostError } from '#runtime/errors.js';
import { startWorker, type WorkerHandle } from '#runtime/worker.js';
import type { ExtractorApi, ExtractorData } from './extractor-worker.js';
import type { Job } from './job.js';

const imageShape = [32, 32, 3] as const;
const rounds = 8;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-extractor-'));
  const network = createNetwork('resnet20', 4);
  const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };
  const manifest = {
    ...{ kind: 'model', network: network.name, classCount: 4, imageShape },
    ...{ normalization, dataset: 'none' },
  };
  const tensors = network.init(rngFrom(1, 'teacher'));
  await writeCheckpoint(folder, { tensors, manifest });
});

afterAll(() => rm(folder, { recursive: true }));

function start(): Promise<WorkerHandle<ExtractorApi>> {
  const entry = new URL('./extractor-worker.js', import.meta.url);
  const data: ExtractorData = {
    ...{ folder, engine: 'onnx', maxBatchSize: 64, precision: 'float32' },
  };
  return startWorker<ExtractorApi>(entry, { name: 'teacher', data });
}

/** What becomes of `work` when the thread is closed `ms` later. */
async function closedAfter(
  ms: number,
  worker: WorkerHandle<ExtractorApi>,
  work: Promise<unknown>,
): Promise<unknown> {
  const end = work.catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, ms));
  await worker.close();
  return end;
}

// ONNX Runtime that comes back to a thread which is gone ends the process: this
// one, and with it the test.
it('is closed at any moment of its loading, and its process goes on', async () => {
  for (let round = 0; round < rounds; round++) {
    const worker = await start();
    const end = await closedAfter(60 * round, worker, worker.api.load());
    if (end instanceof Error) expect(end).toBeInstanceOf(ThreadLostError);
  }
}, 120_000);

it('is closed at any moment of a batch, and its process goes on', async () => {
  const count = 64;
  const images = new Uint8Array(count * 32 * 32 * 3);
  const job: Job = { images, count, outputs: new Set(['features']) };
  const ends: unknown[] = [];
  for (let round = 0; round < rounds; round++) {
    const worker = await start();
    await worker.api.load();
    await worker.api.run([job]); // compiles the program of that size
    ends.push(await closedAfter(8 * round, worker, worker.api.run([job])));
  }
  expect(ends[0]).toBeInstanceOf(ThreadLostError);
}, 120_000);
