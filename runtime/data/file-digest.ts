import { createHash, type Hash } from 'node:crypto';
import type { Split } from '#distill/data/dataset.js';
import { sizeOf } from '#distill/tensors.js';
import { viewDecoderVersion } from './decode-view.js';
import { indexBytes, readSample, type FileIndex } from './file-index.js';
import { openShared, type SharedDataset } from './shared.js';
import type { SharedFiles } from './on-demand.js';

/** Sets of fewer encoded bytes than this are covered byte by byte. */
const wholeBytes = 2 ** 30;
/** Of larger ones so many files, spread evenly, are. */
const sampledFiles = 1024;
/** Images of each split that are decoded: other decoders, other pixels. */
const probes = 8;

type FileDataset = SharedDataset & {
  readonly splits: Readonly<Record<Split, SharedFiles>>;
};

/**
 * A data set that is decoded on demand, with its digest: the names, sizes and
 * labels of all samples; the bytes of all files, or of 1024 of them where
 * there are more than a GiB; the decoder's version; and decoded probe images.
 * @param files what was hashed already; then no file is read for it again
 */
export async function withFileDigest(
  dataset: Omit<FileDataset, 'digest'>,
  { signal, files }: { signal: AbortSignal; files?: string },
): Promise<FileDataset> {
  const { imageShape, classNames, normalization, splits } = dataset;
  const { train, test } = splits;
  const hash = createHash('sha256');
  const facts = { imageShape, classNames, normalization, sizing: train.sizing };
  const decoder = viewDecoderVersion;
  hash.update(JSON.stringify({ decoder, ...facts, files }));
  for (const { index } of [train, test]) {
    hashIndex(hash, index);
    if (files === undefined) await hashFiles(hash, index, signal);
  }
  const opened = openShared({ ...dataset, digest: '' });
  for (const split of ['train', 'test'] as const) {
    const samples = spread(splits[split].index.labels.length, probes);
    const images = await opened.split(split).images(samples, signal);
    if (images.length !== samples.length * sizeOf(imageShape)) {
      throw new Error('probe images have another shape than the data set');
    }
    hash.update(images);
  }
  return { ...dataset, digest: hash.digest('hex') };
}

function hashIndex(hash: Hash, index: FileIndex): void {
  hash.update(`${index.labels.length} ${indexBytes(index)}`);
  const { paths, pathEnds, pathOf, startByte, bytes, labels } = index;
  for (const part of [paths, pathEnds, pathOf, startByte, bytes, labels]) {
    hash.update(part);
  }
}

async function hashFiles(
  hash: Hash,
  index: FileIndex,
  signal: AbortSignal,
): Promise<void> {
  const size = index.labels.length;
  const total = index.bytes.reduce((sum, bytes) => sum + bytes, 0);
  const count = total < wholeBytes ? size : Math.min(size, sampledFiles);
  for (const sample of spread(size, count)) {
    signal.throwIfAborted();
    hash.update(await readSample(index, sample));
  }
}

/** `count` different numbers below `size`, or all of them. */
function spread(size: number, count: number): number[] {
  const length = Math.min(size, count);
  return Array.from({ length }, (_, i) => Math.floor((i * size) / length));
}
