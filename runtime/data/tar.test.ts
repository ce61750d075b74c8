import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigInvalidError, CorruptFileError } from '../errors.js';
import { loadTar } from './tar.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rrd-tar-'));
  await writeFile(join(root, 'train-0.tar'), await shard());
  await writeFile(join(root, 'val-0.tar'), await shard());
});

afterEach(() => rm(root, { recursive: true }));

/** One sample of class 0. */
async function shard(): Promise<Buffer> {
  const create = {
    width: 8,
    height: 8,
    channels: 3,
    background: 'red',
  } as const;
  const packed = pack();
  packed.entry({ name: '0.png' }, await sharp({ create }).png().toBuffer());
  packed.entry({ name: '0.cls' }, '0');
  packed.finalize();
  return buffer(packed);
}

function load() {
  const signal = new AbortController().signal;
  return loadTar({ name: 'shards', root, signal, reserve: () => undefined });
}

describe('compressed shards', () => {
  it.each(['train-1.tar.gz', 'train-1.tgz', 'val-1.tar.zst'])(
    'are refused by name, not passed over (%s)',
    async (file) => {
      expect((await load()).shardSizes).toEqual([1]);
      await writeFile(join(root, file), gzipSync(await shard()));
      const error = await load().catch((e: unknown) => e);
      expect(error).toBeInstanceOf(ConfigInvalidError);
      expect(error).toHaveProperty(
        'metadata.expected',
        `${file} unpacked to a .tar file`,
      );
    },
  );

  it('are refused by their bytes under the name of a tar file', async () => {
    await writeFile(join(root, 'train-1.tar'), gzipSync(await shard()));
    const error = await load().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CorruptFileError);
    expect(error).toHaveProperty(
      'metadata.problem',
      'compressed with gzip; unpack it to a tar file',
    );
  });
});
