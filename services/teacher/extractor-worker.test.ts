import { afterAll, beforeAll, expect, it } from 'vitest';
import { ThreadLostError } from '#runtime/errors.js';
import { startWorker } from '#runtime/worker.js';
import { makeWorld, type World } from '../../test/world.js';
import type { ExtractorApi, ExtractorData } from './extractor-worker.js';

let world: World;
beforeAll(async () => void (world = await makeWorld()), 60_000);
afterAll(() => world[Symbol.asyncDispose]());

// ONNX Runtime that comes back to a thread which is gone ends the process: this
// one, and with it the test.
it('is closed at any moment of its work, and its process goes on', async () => {
  const entry = new URL('./extractor-worker.js', import.meta.url);
  const data: ExtractorData = {
    folder: `${world.modelsDir}/teacher`,
    ...{ engine: 'onnx', maxBatchSize: 64, precision: 'float32' },
  };
  const ends: unknown[] = [];
  for (let round = 0; round < 12; round++) {
    const options = { name: 'teacher', data };
    const worker = await startWorker<ExtractorApi>(entry, options);
    const loading = worker.api.load().then(
      ({ network }) => network,
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 40 * round));
    await worker.close();
    ends.push(await loading);
  }
  expect(ends[0]).toBeInstanceOf(ThreadLostError);
  for (const end of ends)
    if (!(end instanceof ThreadLostError)) expect(end).toBe('resnet8');
}, 120_000);
