import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { DecodedDataset } from './shared.js';

const bytesPerTurn = 4 * 2 ** 20;

/**
 * The data set with its digest, which covers every pixel, not only probes:
 * hashing what is in memory anyway costs a fraction of decoding it.
 * @param decoder what turned files into pixels, with its version
 */
export async function withDigest(
  dataset: Omit<DecodedDataset, 'digest'>,
  decoder: string,
): Promise<DecodedDataset> {
  return { ...dataset, digest: await digestOf(dataset, decoder) };
}

/** In pieces: this may be the thread that answers callers. */
async function digestOf(
  dataset: Omit<DecodedDataset, 'digest'>,
  decoder: string,
): Promise<string> {
  const { imageShape, classNames, normalization, splits } = dataset;
  const hash = createHash('sha256');
  const sizes = [splits.train.labels.length, splits.test.labels.length];
  hash.update(
    JSON.stringify({ decoder, imageShape, classNames, normalization, sizes }),
  );
  for (const { labels, pixels } of [splits.train, splits.test]) {
    hash.update(labels);
    for (let start = 0; start < pixels.length; start += bytesPerTurn) {
      hash.update(pixels.subarray(start, start + bytesPerTurn));
      await turn();
    }
  }
  return hash.digest('hex');
}
