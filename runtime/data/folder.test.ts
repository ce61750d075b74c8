import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BatchShapeError,
  ConfigInvalidError,
  CorruptFileError,
  DatasetBytesError,
} from '../errors.js';
import { openDatasets, type DatasetsOptions } from './index.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rrd-folder-'));
});

afterEach(() => rm(root, { recursive: true }));

/** A PNG of the given pixels. */
async function png(
  file: string,
  width: number,
  channels: number,
  px: number[],
) {
  const path = join(root, file);
  await mkdir(dirname(path), { recursive: true });
  const height = px.length / width / channels;
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  await sharp(Uint8Array.from(px), { raw }).png().toFile(path);
  return path;
}

const red = [255, 0, 0, 10, 20, 30];
const grey = [7, 7, 7, 9, 9, 9];

async function twoClasses() {
  await png('train/b/2.png', 2, 3, grey);
  await png('train/b/10.PNG', 2, 3, red);
  await png('train/a/0.png', 2, 3, red);
  await png('test/b/0.png', 2, 3, grey);
}

const open = (options: DatasetsOptions = {}, suffix = '') =>
  openDatasets({ mine: `folder:${root}${suffix}` }, options).get('mine');

describe('class-per-folder images', () => {
  it('are labelled by folder and ordered by name', async () => {
    await twoClasses();
    const dataset = await open();
    expect(dataset).toMatchObject({
      name: 'mine',
      imageShape: [1, 2, 3],
      classNames: ['a', 'b'],
    });
    const train = dataset.split('train');
    expect([0, 1, 2].map((index) => train.label(index))).toEqual([0, 1, 1]);
    const images = await train.images([2, 0]);
    expect([...images]).toEqual([...grey, ...red]);
    expect(dataset.split('test').size).toBe(1);
  });

  it('may lie among files that are none', async () => {
    await twoClasses();
    await writeFile(join(root, 'train/a/.hidden.png'), 'x');
    await writeFile(join(root, 'train/a/notes.txt'), 'x');
    await writeFile(join(root, 'train/list.png'), 'x');
    await mkdir(join(root, 'train/.cache'));
    const dataset = await open();
    expect(dataset.classNames).toEqual(['a', 'b']);
    expect(dataset.split('train').size).toBe(3);
  });

  it('become upright 8-bit sRGB without alpha', async () => {
    await png('train/a/0.png', 2, 3, red);
    await png('train/a/1.png', 2, 4, [1, 2, 3, 0, 4, 5, 6, 128]);
    await png('train/a/2.png', 2, 1, [80, 90]);
    const turned = await sharp(Uint8Array.from([1, 1, 1, 200, 200, 200]), {
      raw: { width: 1, height: 2, channels: 3 },
    })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    await writeFile(join(root, 'train/a/3.png'), turned);
    await png('test/a/0.png', 2, 3, red);
    const images = await (await open()).split('train').images([1, 2, 3]);
    expect([...images]).toEqual([
      ...[1, 2, 3, 4, 5, 6],
      ...[80, 80, 80, 90, 90, 90],
      ...[200, 200, 200, 1, 1, 1],
    ]);
  });

  it('decode JPEG', async () => {
    await twoClasses();
    const path = join(root, 'train/a/1.jpeg');
    const raw = { width: 2, height: 1, channels: 3 } as const;
    const flat = Uint8Array.from([60, 60, 60, 60, 60, 60]);
    await sharp(flat, { raw }).jpeg({ quality: 100 }).toFile(path);
    const images = await (await open()).split('train').images([1]);
    for (const value of images) expect(Math.abs(value - 60)).toBeLessThan(3);
  });

  it('of other sizes are refused, or resized on demand', async () => {
    await twoClasses();
    const path = await png('test/a/9.png', 1, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BatchShapeError);
    expect(error).toMatchObject({ metadata: { field: path } });
    const resized = await open({}, '?size=4');
    expect(resized.imageShape).toEqual([4, 4, 3]);
    expect(resized.digest).not.toEqual((await open({}, '?size=5')).digest);
  });

  it.each(['garbage', 'truncated'])('that are %s are named', async (kind) => {
    await twoClasses();
    const path = await png('test/b/9.png', 2, 3, red);
    if (kind === 'garbage') await writeFile(path, 'not an image');
    else await truncate(path, 45);
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CorruptFileError);
    expect(error).toMatchObject({ metadata: { path } });
  });

  it('are refused when the layout is another', async () => {
    await expect(open()).rejects.toBeInstanceOf(ConfigInvalidError);
    await mkdir(join(root, 'train/a'), { recursive: true });
    await mkdir(join(root, 'test'));
    await expect(open()).rejects.toBeInstanceOf(ConfigInvalidError);
    await twoClasses();
    await png('test/c/0.png', 2, 3, red);
    await expect(open()).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      metadata: { field: 'mine' },
    });
  });

  it('are counted before memory is taken', async () => {
    await twoClasses();
    await expect(open({ maxBytes: 23 })).rejects.toBeInstanceOf(
      DatasetBytesError,
    );
    expect((await open({ maxBytes: 24 })).split('train').size).toBe(3);
  });

  it('stop loading when the signal aborts', async () => {
    await twoClasses();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(open({ signal })).rejects.toThrow('enough');
  });

  it('have a digest that one changed pixel or label changes', async () => {
    await twoClasses();
    const before = (await open()).digest;
    expect((await open()).digest).toBe(before);
    await png('test/b/0.png', 2, 3, [...grey.slice(0, 5), 8]);
    const pixel = (await open()).digest;
    expect(pixel).not.toBe(before);
    await png('test/b/0.png', 2, 3, grey);
    expect((await open()).digest).toBe(before);
    await png('test/a/0.png', 2, 3, grey);
    expect((await open()).digest).not.toBe(before);
  });
});
