import type {
  Dataset,
  DatasetSplit,
  ImageShape,
  Split,
} from '#distill/data/dataset.js';
import { sizeOf } from '#distill/tensors.js';
import { openOnDemand, type SharedFiles } from './on-demand.js';

/** Decoded images of one split, one after another, and their classes. */
export interface SharedImages {
  /** uint8 [size, H, W, C] */
  readonly pixels: Uint8Array<SharedArrayBuffer>;
  readonly labels: Uint16Array<SharedArrayBuffer>;
}

/**
 * A loaded data set as plain data. Posted to another thread of the process it
 * arrives with the same memory: nothing is decoded, copied or hashed again.
 */
export interface SharedDataset extends Omit<Dataset, 'split'> {
  readonly splits: Readonly<Record<Split, SharedImages | SharedFiles>>;
}

/** One whose images are all decoded, in memory. */
export interface DecodedDataset extends SharedDataset {
  readonly splits: Readonly<Record<Split, SharedImages>>;
}

/** Memory for the images of a split; a loader fills it and nobody later. */
export function allocateImages(size: number, shape: ImageShape): SharedImages {
  const { BYTES_PER_ELEMENT } = Uint16Array;
  return {
    pixels: new Uint8Array(new SharedArrayBuffer(size * sizeOf(shape))),
    labels: new Uint16Array(new SharedArrayBuffer(size * BYTES_PER_ELEMENT)),
  };
}

/** The data set, in whichever thread the description has come to. */
export function openShared({ splits, ...facts }: SharedDataset): Dataset {
  const opened = {
    train: splitOf(splits.train, facts.imageShape),
    test: splitOf(splits.test, facts.imageShape),
  };
  return { ...facts, split: (split) => opened[split] };
}

function splitOf(
  stored: SharedImages | SharedFiles,
  shape: ImageShape,
): DatasetSplit {
  const { labels } = 'index' in stored ? stored.index : stored;
  const check = (index: number) => {
    if (Number.isInteger(index) && index >= 0 && index < labels.length) return;
    throw new RangeError(`no sample ${index}, there are ${labels.length}`);
  };
  if ('index' in stored) return openOnDemand(stored, check);
  return openDecoded(stored, shape, check);
}

function openDecoded(
  { pixels, labels }: SharedImages,
  shape: ImageShape,
  check: (index: number) => void,
): DatasetSplit {
  const imageBytes = sizeOf(shape);
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
