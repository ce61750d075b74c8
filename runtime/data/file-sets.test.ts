import { createWriteStream } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { ConfigInvalidError, CorruptFileError } from '../errors.js';
import { openDatasets } from './index.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rrd-files-'));
});

afterEach(() => rm(root, { recursive: true }));

/** A JPEG of one colour and some grain. */
function jpeg(value: number, width = 40, height = 30): Promise<Buffer> {
  const rng = rngFrom(1, 'jpeg', value);
  const raw = { width, height, channels: 3 } as const;
  const pixels = Uint8Array.from({ length: width * height * 3 }, () =>
    Math.min(255, value + rng.integer(8)),
  );
  return sharp(pixels, { raw }).jpeg({ quality: 95 }).toBuffer();
}

async function write(file: string, content: Uint8Array | string) {
  const path = join(root, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function tar(file: string, files: Record<string, Uint8Array | string>) {
  const packed = pack();
  for (const [name, content] of Object.entries(files)) {
    packed.entry({ name, mtime: new Date(0) }, Buffer.from(content));
  }
  packed.finalize();
  const path = join(root, file);
  await pipeline(packed, createWriteStream(path));
  return path;
}

const open = (kind: string, size = 16) =>
  openDatasets({ mine: `${kind}:${root}?size=${size}` }).get('mine');

const refuses = async (opening: Promise<unknown>, path: string) => {
  const error = await opening.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CorruptFileError);
  expect(error).toMatchObject({ metadata: { path } });
};

async function imagenet() {
  await write('train/n02/x_1.JPEG', await jpeg(10));
  await write('train/n01/x_2.JPEG', await jpeg(90));
  await write('train/n01/x_3.JPEG', await jpeg(200, 30, 50));
  await write('val/n02/y_1.JPEG', await jpeg(120));
  await write('words.txt', 'n01\ttench, Tinca tinca\nn02\tshark\n');
}

describe('a folder of ImageNet', () => {
  it('is labelled by synset, decoded on demand, and named by words.txt', async () => {
    await imagenet();
    const dataset = await open('imagenet');
    expect(dataset.imageShape).toEqual([16, 16, 3]);
    expect(dataset.classNames).toEqual(['tench', 'shark']);
    const train = dataset.split('train');
    expect([0, 1, 2].map((i) => train.label(i))).toEqual([0, 0, 1]);
    const images = await train.images([2, 0]);
    expect(images.length).toBe(2 * 16 * 16 * 3);
    expect(Math.abs(images[0]! - 14)).toBeLessThan(8);
    expect(Math.abs(images[16 * 16 * 3]! - 94)).toBeLessThan(8);
    await expect(train.images([3])).rejects.toThrow(RangeError);
  });

  it('gives random crops by seed, epoch and sample, in any thread', async () => {
    await imagenet();
    const datasets = openDatasets({ mine: `imagenet:${root}?size=16` });
    const train = (await datasets.get('mine')).split('train');
    const crops = (epoch: number, indices: number[]) =>
      train.resizedCrops!(indices, { seed: 5, epoch });
    const batch = await crops(1, [0, 1, 2]);
    expect(await crops(1, [0, 1, 2])).toEqual(batch);
    expect(await crops(1, [2])).toEqual(batch.slice(2 * 768));
    expect(await crops(2, [0, 1, 2])).not.toEqual(batch);
    const { href } = new URL('./shared.js', import.meta.url);
    const code = `
      import { parentPort } from 'node:worker_threads';
      import { openShared } from '${href}';
      parentPort.once('message', async (shared) => {
        const train = openShared(shared).split('train');
        const view = { seed: 5, epoch: 1 };
        parentPort.postMessage(await train.resizedCrops([0, 1, 2], view));
      });`;
    const worker = new Worker(
      new URL(`data:text/javascript,${encodeURIComponent(code)}`),
    );
    const reply = new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    worker.postMessage(await datasets.share('mine'));
    expect(await reply).toEqual(batch);
    await worker.terminate();
  });

  it.each([
    ['val/val_annotations.txt', 'y_1.JPEG\tn01\t0\t0\t9\t9\n', 'val/images'],
    [
      'LOC_val_solution.csv',
      'ImageId,PredictionString\ny_1,n01 0 0 9 9\n',
      'val',
    ],
  ])('may have its labels in %s', async (list, text, folder) => {
    await write('train/n01/images/a.JPEG', await jpeg(1));
    await write('train/n02/images/b.JPEG', await jpeg(2));
    await write(`${folder}/y_1.JPEG`, await jpeg(3));
    const path = await write(list, text.replace('n01', 'n02'));
    const test = (await open('tiny-imagenet')).split('test');
    expect([test.size, test.label(0)]).toEqual([1, 1]);
    await write(list, text.replace('n01', 'n03'));
    await refuses(open('tiny-imagenet'), path);
    await write(list, text.replace('y_1', '../y_1'));
    await refuses(open('tiny-imagenet'), path);
  });

  it('has a digest that other bytes, labels and sizes change', async () => {
    await imagenet();
    const { digest } = await open('imagenet');
    expect((await open('imagenet')).digest).toBe(digest);
    expect((await open('imagenet', 24)).digest).not.toBe(digest);
    await write('train/n01/x_2.JPEG', await jpeg(91));
    expect((await open('imagenet')).digest).not.toBe(digest);
  });

  it('is refused where files are not what they should be', async () => {
    await expect(open('imagenet')).rejects.toBeInstanceOf(ConfigInvalidError);
    await imagenet();
    const path = await write('val/n02/y_2.JPEG', 'no image');
    await refuses(open('imagenet'), path);
    const whole = await jpeg(4, 64, 64);
    await write('val/n02/y_2.JPEG', whole.subarray(0, whole.length / 2));
    await refuses(open('imagenet'), path);
  });

  it('does not decode an image that unfolds to a giant', async () => {
    await imagenet();
    const create = { width: 9000, height: 9000, channels: 3 } as const;
    const bomb = await sharp({ create: { ...create, background: 'red' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(2 ** 20);
    await refuses(open('imagenet'), await write('val/n02/z.png', bomb));
  });
});

describe('tar shards', () => {
  async function shards() {
    await tar('train-0.tar', {
      'a/0.jpg': await jpeg(10),
      'a/0.cls': '1',
      'a/1.cls': '0\n',
      'a/1.png': await sharp(await jpeg(90))
        .png()
        .toBuffer(),
      'a/1.json': '{}',
    });
    await tar('train-1.tar', { '2.jpeg': await jpeg(180), '2.cls': '2' });
    await tar('val-0.tar', { '9.jpg': await jpeg(40), '9.cls': '0' });
  }

  it('are indexed once and read at their places', async () => {
    await shards();
    const dataset = await open('tar');
    expect(dataset.classNames).toEqual(['0', '1', '2']);
    expect(dataset.shardSizes).toEqual([2, 1]);
    const train = dataset.split('train');
    expect([0, 1, 2].map((i) => train.label(i))).toEqual([1, 0, 2]);
    const images = await train.images([0, 1, 2]);
    [10, 90, 180].forEach((value, i) => {
      expect(Math.abs(images[i * 768]! - value - 4)).toBeLessThan(8);
    });
    await shards();
    expect((await open('tar')).digest).toBe(dataset.digest);
  });

  it.each([
    ['no image', { '9.cls': '0' }],
    ['no class', { '9.jpg': 'x' }],
    ['a bad class', { '9.jpg': 'x', '9.cls': '-1' }],
    ['an endless class', { '9.jpg': 'x', '9.cls': '1'.repeat(99) }],
    ['no readable image', { '9.jpg': 'x', '9.cls': '0' }],
  ])('with %s are refused', async (_, files) => {
    await shards();
    await refuses(open('tar'), await tar('val-0.tar', files));
  });

  it('that are cut off or no tar files are refused', async () => {
    await shards();
    const path = join(root, 'train-0.tar');
    const { length } = await readFile(path);
    await truncate(path, Math.floor(length / 3));
    await refuses(open('tar'), path);
    await write('train-0.tar', Buffer.alloc(4096, 7));
    await refuses(open('tar'), path);
  });

  it.each(['train-2.tar.gz', 'train-2.tgz', 'val-1.tar.zst'])(
    'that are compressed are refused, not passed over (%s)',
    async (file) => {
      await shards();
      const tarred = await readFile(join(root, 'val-0.tar'));
      await write(file, gzipSync(tarred));
      const error = await open('tar').catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConfigInvalidError);
      const expected = `${file} unpacked to a .tar file`;
      expect(error).toMatchObject({ metadata: { expected } });
      await rm(join(root, file));
      await refuses(open('tar'), await write('val-0.tar', gzipSync(tarred)));
    },
  );

  it('cannot reach out of their folder', async () => {
    await shards();
    const secret = await jpeg(77);
    await write('../secret.jpg', secret);
    await tar('val-0.tar', {
      '../secret.jpg': await jpeg(40),
      '../secret.cls': '0',
    });
    const test = (await open('tar')).split('test');
    // The name only groups files: the pixels are those inside the shard.
    expect(Math.abs((await test.images([0]))[0]! - 44)).toBeLessThan(8);
  });
});

describe('STL-10', () => {
  /** Planes of 96 x 96 whose first column counts up. */
  function image(value: number): Uint8Array {
    const planes = new Uint8Array(3 * 96 * 96).fill(value);
    for (let row = 0; row < 96; row++) planes[row] = row;
    return planes;
  }

  async function stl10() {
    await write('class_names.txt', 'airplane\nbird\n');
    await write('train_X.bin', Buffer.concat([image(100), image(200)]));
    await write('train_y.bin', Uint8Array.of(2, 1));
    await write('test_X.bin', image(50));
    await write('test_y.bin', Uint8Array.of(1));
  }

  it('is read column by column, labels from 1', async () => {
    await stl10();
    const dataset = await open('stl10', 96);
    const train = dataset.split('train');
    expect([train.label(0), train.label(1)]).toEqual([1, 0]);
    const [first] = [await train.images([0])];
    expect([...first.subarray(0, 6)]).toEqual([0, 100, 100, 100, 100, 100]);
    expect(first[5 * 96 * 3]).toBe(5);
    const small = await open('stl10', 32);
    expect(small.imageShape).toEqual([32, 32, 3]);
    expect((await small.split('test').images([0])).at(-1)).toBe(50);
  });

  it('is refused when cut off or mislabelled', async () => {
    await stl10();
    await truncate(join(root, 'train_X.bin'), 96 * 96 * 3 + 1);
    await refuses(open('stl10', 96), join(root, 'train_X.bin'));
    await stl10();
    const labels = await write('train_y.bin', Uint8Array.of(1));
    await refuses(open('stl10', 96), labels);
    await write('train_y.bin', Uint8Array.of(1, 3));
    await refuses(open('stl10', 96), labels);
  });
});
