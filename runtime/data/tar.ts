import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sizingOf } from './imagenet.js';
import { withFileDigest } from './file-digest.js';
import { indexBytes, indexOf, type Entry } from './file-index.js';
import {
  imagenetNormalization,
  layoutError,
  type FileOptions,
} from './load.js';
import type { SharedDataset } from './shared.js';
import { scanShard } from './tar-shard.js';

const splitFile = { train: /^train/, test: /^(val|test)/ };
const compressedTar =
  /\.(tar\.(gz|Z|bz2|lz|lz4|lzma|lzo|xz|zst)|tgz|tbz2?|txz|tzst)$/;

/**
 * Shards in the WebDataset layout in the folder `root`: `train*.tar` and
 * `val*.tar` or `test*.tar` (uncompressed), each sample an image and a `.cls`
 * file with its class's number under the same key. `classes.txt`, one name a
 * line, is optional.
 *
 * All shards are read once, front to back, for their index and digest; images
 * are then read at their places, in the order of `shardOrder`.
 * @throws ConfigInvalidError for another layout and for compressed shards,
 *   whose images have no places of their own; CorruptFileError
 */
export async function loadTar(
  options: FileOptions & { readonly resizeTo?: number },
): Promise<SharedDataset> {
  const { name, root, signal, reserve } = options;
  const train = await scan(options, 'train');
  const test = await scan(options, 'test');
  const indices = {
    train: indexOf(root, train.entries),
    test: indexOf(root, test.entries),
  };
  reserve(indexBytes(indices.train) + indexBytes(indices.test));
  const sizing = sizingOf('imagenet', options.resizeTo);
  const dataset = {
    name,
    imageShape: [sizing.side, sizing.side, 3] as const,
    classNames: await classNames(options, [...train.entries, ...test.entries]),
    normalization: imagenetNormalization,
    shardSizes: train.sizes,
    splits: {
      train: { index: indices.train, sizing },
      test: { index: indices.test, sizing },
    },
  };
  const files = [...train.digests, ...test.digests].join();
  return withFileDigest(dataset, { signal, files });
}

async function scan(options: FileOptions, split: keyof typeof splitFile) {
  const { root, signal } = options;
  const found = await readdir(root).catch((): string[] => []);
  const files = found.filter((file) => splitFile[split].test(file)).sort();
  const packed = files.find((file) => compressedTar.test(file));
  if (packed) throw layoutError(options, `${packed} unpacked to a .tar file`);
  const shards = files.filter((file) => file.endsWith('.tar'));
  const entries: Entry[] = [];
  const [sizes, digests]: [number[], string[]] = [[], []];
  for (const shard of shards) {
    const scanned = await scanShard(root, shard, signal);
    for (const entry of scanned.entries) entries.push(entry);
    sizes.push(scanned.entries.length);
    digests.push(scanned.digest);
  }
  if (entries.length > 0) return { entries, sizes, digests };
  throw layoutError(options, `samples in ${split}*.tar`);
}

async function classNames(options: FileOptions, entries: readonly Entry[]) {
  const highest = entries.reduce((most, { label }) => Math.max(most, label), 0);
  const text = await readFile(join(options.root, 'classes.txt'), 'utf8').catch(
    () => undefined,
  );
  const names = text?.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (!names) return Array.from({ length: highest + 1 }, (_, i) => String(i));
  if (highest < names.length) return names;
  throw layoutError(options, `${highest + 1} names or more in classes.txt`);
}
