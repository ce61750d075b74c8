import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type {
  Dataset,
  DatasetSplit,
  ImageShape,
  Normalization,
  Split,
} from '#distill/data/dataset.js';
import { sizeOf } from '#distill/tensors.js';

/** Decoded images of one split, one after another, and their classes. */
export interface Images {
  /** uint8 [size, H, W, C] */
  readonly pixels: Uint8Array;
  readonly labels: Uint16Array;
}

export interface MemoryDatasetInit {
  readonly name: string;
  readonly imageShape: ImageShape;
  readonly classNames: readonly string[];
  readonly normalization: Normalization;
  /** What turned files into pixels, with its version. */
  readonly decoder: string;
  readonly splits: Readonly<Record<Split, Images>>;
}

const bytesPerTurn = 4 * 2 ** 20;

/** Mean and deviation of CIFAR-100's training images, used for all sets. */
export const cifarNormalization: Normalization = {
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

/**
 * A data set held in memory. Its digest covers every pixel, not only probes:
 * hashing what is in memory anyway costs a fraction of decoding it.
 */
export async function memoryDataset(init: MemoryDatasetInit): Promise<Dataset> {
  const { name, imageShape, classNames, normalization } = init;
  const splits = {
    train: splitOf(init.splits.train, imageShape),
    test: splitOf(init.splits.test, imageShape),
  };
  return {
    name,
    imageShape,
    classNames,
    normalization,
    digest: await digestOf(init),
    split: (split) => splits[split],
  };
}

function splitOf({ pixels, labels }: Images, shape: ImageShape): DatasetSplit {
  const imageBytes = sizeOf(shape);
  const check = (index: number) => {
    if (Number.isInteger(index) && index >= 0 && index < labels.length) return;
    throw new RangeError(`no sample ${index}, there are ${labels.length}`);
  };
  return {
    size: labels.length,
    label(index) {
      check(index);
      return labels[index]!;
    },
    async images(indices, signal) {
      signal?.throwIfAborted();
      indices.forEach(check);
      const out = new Uint8Array(indices.length * imageBytes); // [N, H, W, C]
      indices.forEach((index, row) => {
        const start = index * imageBytes;
        const image = pixels.subarray(start, start + imageBytes);
        out.set(image, row * imageBytes);
      });
      return out;
    },
  };
}

/** In pieces: this may be the thread that answers callers. */
async function digestOf(init: MemoryDatasetInit): Promise<string> {
  const { decoder, imageShape, classNames, normalization, splits } = init;
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
