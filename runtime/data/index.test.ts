import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ConfigInvalidError,
  CorruptFileError,
  DatasetBytesError,
  DatasetNotFoundError,
} from '../errors.js';
import { createProceduralDataset } from '#distill/data/procedural.js';
import { sizeOf } from '#distill/tensors.js';
import { openDatasets } from './index.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rrd-cifar-'));
});

afterEach(() => rm(root, { recursive: true }));

/** A record whose red, green and blue planes start with value, +1, +2. */
function record(labels: number[], value: number): number[] {
  const plane = (first: number) => [first, ...Array<number>(1023).fill(0)];
  return [...labels, ...[0, 1, 2].flatMap((c) => plane(value + c))];
}

const write = (name: string, ...records: number[][]) =>
  writeFile(join(root, name), Uint8Array.from(records.flat()));

async function cifar10() {
  await writeFile(join(root, 'batches.meta.txt'), 'airplane\nbird\n\n');
  await write('data_batch_1.bin', record([1], 10), record([0], 20));
  await write('data_batch_2.bin', record([1], 30));
  await write('test_batch.bin', record([0], 40));
}

const open = () => openDatasets({ c: `cifar10:${root}` }).get('c');

describe('the official CIFAR files', () => {
  it('are read in order, planes interleaved', async () => {
    await cifar10();
    const dataset = await open();
    expect(dataset.imageShape).toEqual([32, 32, 3]);
    expect(dataset.classNames).toEqual(['airplane', 'bird']);
    const train = dataset.split('train');
    expect([0, 1, 2].map((index) => train.label(index))).toEqual([1, 0, 1]);
    const images = await train.images([2, 0]);
    expect([...images.subarray(0, 4)]).toEqual([30, 31, 32, 0]);
    expect([...images.subarray(3072, 3076)]).toEqual([10, 11, 12, 0]);
    expect(dataset.split('test').size).toBe(1);
  });

  it('of CIFAR-100 give their fine labels', async () => {
    await writeFile(join(root, 'fine_label_names.txt'), 'apple\nbear\nclock\n');
    await write('train.bin', record([19, 2], 1));
    await write('test.bin', record([3, 0], 1));
    const dataset = await openDatasets({ c: `cifar100:${root}` }).get('c');
    expect(dataset.split('train').label(0)).toBe(2);
    expect(dataset.split('test').label(0)).toBe(0);
  });

  it('are refused when damaged or absent', async () => {
    await expect(open()).rejects.toBeInstanceOf(CorruptFileError);
    await cifar10();
    await truncate(join(root, 'test_batch.bin'), 3072);
    await expect(open()).rejects.toMatchObject({
      reason: 'CORRUPT_FILE',
      metadata: { path: join(root, 'test_batch.bin') },
    });
    await write('test_batch.bin', record([7], 40));
    await expect(open()).rejects.toBeInstanceOf(CorruptFileError);
  });
});

describe('data sets', () => {
  it('are loaded once, and again after a failure', async () => {
    const datasets = openDatasets({ c: `cifar10:${root}` });
    await expect(datasets.get('c')).rejects.toBeInstanceOf(CorruptFileError);
    await cifar10();
    const dataset = await datasets.share('c');
    expect(await datasets.share('c')).toBe(dataset);
  });

  it('share one byte limit', async () => {
    await cifar10();
    const definition = `cifar10:${root}`;
    const datasets = openDatasets(
      { a: definition, b: definition },
      { maxBytes: 6 * 3072 },
    );
    await datasets.get('a');
    await expect(datasets.get('b')).rejects.toBeInstanceOf(DatasetBytesError);
  });

  it('have one that needs no files', async () => {
    const datasets = openDatasets({});
    expect(datasets.definitions).toEqual({ procedural: 'built in' });
    const dataset = await datasets.get('procedural');
    expect(dataset.name).toBe('procedural');
    const test = dataset.split('test');
    const images = await test.images(Array.from({ length: 20 }, (_, i) => i));
    const imageBytes = sizeOf(dataset.imageShape);
    expect(images.length).toBe(20 * imageBytes);
    const last = images.subarray(19 * imageBytes);
    expect(last).toEqual(await test.images([19]));
    const painted = createProceduralDataset().split('test');
    expect(last).toEqual(await painted.images([19]));
    expect(test.label(19)).toBe(painted.label(19));
  }, 30_000);

  it('are refused by name', async () => {
    const datasets = openDatasets({});
    await expect(datasets.get('imagenet')).rejects.toBeInstanceOf(
      DatasetNotFoundError,
    );
  });

  it.each([
    ['a', 'zip:/x'],
    ['a', 'folder:'],
    ['a', 'folder:/x?size=0'],
    ['a', 'cifar10:/x?size=32'],
    ['../a', 'folder:/x'],
    ['procedural', 'folder:/x'],
  ])('refuse %s = %s', (name, definition) => {
    expect(() => openDatasets({ [name]: definition })).toThrow(
      ConfigInvalidError,
    );
  });

  it('answer for existing samples only', async () => {
    await cifar10();
    const train = (await open()).split('train');
    for (const index of [-1, 3, 0.5, NaN]) {
      expect(() => train.label(index)).toThrow(RangeError);
      await expect(train.images([index])).rejects.toThrow(RangeError);
    }
    const signal = AbortSignal.abort();
    await expect(train.images([0], signal)).rejects.toThrow('aborted');
  });
});
