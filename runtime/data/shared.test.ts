import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { openDatasets } from './index.js';
import { allocateImages, openShared, type DecodedDataset } from './shared.js';

/** Three training images of 1 x 2 pixels, no test image. */
function small(): DecodedDataset {
  const imageShape = [1, 2, 3] as const;
  const train = allocateImages(3, imageShape);
  train.pixels.set(Uint8Array.from({ length: 18 }, (_, i) => 10 * i));
  train.labels.set([0, 300, 1]);
  return {
    name: 'small',
    imageShape,
    classNames: ['a', 'b'],
    normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
    digest: 'abc',
    splits: { train, test: allocateImages(0, imageShape) },
  };
}

/** Answers the message it gets with the data set opened in the other thread. */
const thread = `
  import { parentPort } from 'node:worker_threads';
  import { openShared } from '${new URL('./shared.js', import.meta.url).href}';
  parentPort.once('message', async (shared) => {
    const { digest, split } = openShared(shared);
    const train = split('train');
    const images = await train.images([2, 0]);
    shared.splits.train.pixels[0] = 7;
    parentPort.postMessage({ digest, images, label: train.label(1) });
  });
`;

describe('a shared data set', () => {
  it('is opened in another thread, in the same memory', async () => {
    const shared = small();
    const code = `data:text/javascript,${encodeURIComponent(thread)}`;
    const worker = new Worker(new URL(code));
    const reply = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.postMessage(shared);
    });
    await worker.terminate();
    expect(reply).toEqual({
      digest: 'abc',
      images: Uint8Array.from(
        [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5].map((i) => 10 * i),
      ),
      label: 300,
    });
    expect(shared.splits.train.pixels[0]).toBe(7);
  });

  it('gives away copies of its images', async () => {
    const shared = small();
    const train = openShared(shared).split('train');
    (await train.images([0])).fill(255);
    expect(shared.splits.train.pixels[0]).toBe(0);
  });
});

describe('the procedural data set', () => {
  it('is painted in turns with other work, and not beyond an abort', async () => {
    const stop = new AbortController();
    const { signal } = stop;
    const loading = openDatasets({}, { signal }).share('procedural');
    const failed = expect(loading).rejects.toThrow('enough');
    for (let turns = 0; turns < 5; turns++) await turn();
    stop.abort(new Error('enough'));
    await failed;
  });
});
