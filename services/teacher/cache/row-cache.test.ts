import { mkdirSync, rmSync } from 'node:fs';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keysOf, RowCache } from './row-cache.js';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rrd-cache-'));
});

afterEach(() => rm(dir, { recursive: true }));

/** What memory cannot hold is read from disk. */
const openCache = (diskBytes = 2 ** 20) =>
  RowCache.open({ memoryBytes: 0, dir, diskBytes });

const images = Uint8Array.from({ length: 100 * 3 }, (_, i) => i * 7);
const keys = keysOf('teacher', images, [1, 1, 3]);
const row = (i: number) => Float32Array.of(i, -0, 1 / 3, Number.NaN);

async function fill(cache: RowCache, count: number): Promise<void> {
  keys.slice(0, count).forEach((key, i) => cache.set(key, row(i)));
  await cache.close();
}

const paths = async () => (await readdir(dir)).map((name) => join(dir, name));

describe('RowCache', () => {
  it('keys by teacher and pixels', () => {
    const others = keysOf('other', images, [1, 1, 3]);
    expect(new Set([...keys, ...others]).size).toBe(200);
    expect(keysOf('teacher', images.slice(3, 6), [1, 1, 3])).toEqual([keys[1]]);
  });

  it('forgets what was unused for longest when memory is full', async () => {
    const memoryBytes = 3 * (256 + 16);
    const cache = await RowCache.open({ memoryBytes, diskBytes: 1 });
    keys.slice(0, 3).forEach((key, i) => cache.set(key, row(i)));
    await cache.get(keys[0]!);
    cache.set(keys[3]!, row(3));
    expect(await cache.get(keys[1]!)).toBeUndefined();
    expect(await cache.get(keys[0]!)).toEqual(row(0));
    expect(cache.bytes).toEqual({ memory: memoryBytes, disk: 0 });
  });

  it('gives the same bits after a restart', async () => {
    await fill(await openCache(), 100);
    const again = await openCache();
    for (const [i, key] of keys.entries()) {
      expect(await again.get(key)).toEqual(row(i));
    }
    expect(again.bytes.disk).toBe(100 * (40 + 16));
    await again.close();
  });

  it('keeps what stands before a torn record', async () => {
    await fill(await openCache(), 10);
    const [path] = await paths();
    const whole = await readFile(path!);
    await writeFile(path!, whole.subarray(0, whole.length - 5));
    const torn = await openCache();
    expect(await torn.get(keys[8]!)).toEqual(row(8));
    expect(await torn.get(keys[9]!)).toBeUndefined();
    await fill(torn, 10);
    const mended = await openCache();
    expect(await mended.get(keys[9]!)).toEqual(row(9));
    await mended.close();
  });

  it('misses a row that was damaged while it was open', async () => {
    await fill(await openCache(), 2);
    const cache = await openCache();
    const [path] = await paths();
    const data = await readFile(path!);
    data[50]! ^= 1;
    await writeFile(path!, data);
    expect(await cache.get(keys[0]!)).toBeUndefined();
    expect(await cache.get(keys[1]!)).toEqual(row(1));
    await cache.close();
  });

  it('writes a row that was set while another could not be written', async () => {
    const cache = await openCache();
    rmSync(dir, { recursive: true });
    cache.set(keys[0]!, row(0));
    cache.set(keys[1]!, row(1));
    // The disk fails for the first row before this thread goes on.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    mkdirSync(dir);
    await cache.close();
    const again = await openCache();
    expect(await again.get(keys[0]!)).toBeUndefined();
    expect(await again.get(keys[1]!)).toEqual(row(1));
    await again.close();
  });

  it('survives files of others', async () => {
    await appendFile(join(dir, 'x.rows'), Buffer.alloc(1000, 255));
    await fill(await openCache(), 1);
    const cache = await openCache();
    expect(await cache.get(keys[0]!)).toEqual(row(0));
    await cache.close();
  });

  it('stays below its size on disk', async () => {
    const diskBytes = 56 * 40;
    for (let from = 0; from < 100; from += 10) {
      const cache = await openCache(diskBytes);
      const some = keys.slice(from, from + 10);
      some.forEach((key, i) => cache.set(key, row(from + i)));
      await cache.close();
    }
    const sizes = await Promise.all(
      (await paths()).map(async (path) => (await stat(path)).size),
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(diskBytes);
    const cache = await openCache(diskBytes);
    expect(await cache.get(keys[99]!)).toEqual(row(99));
    expect(await cache.get(keys[0]!)).toBeUndefined();
    await cache.close();
  });
});
