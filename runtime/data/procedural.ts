import { setImmediate as turn } from 'node:timers/promises';
import type { DatasetSplit, ImageShape } from '#distill/data/dataset.js';
import { createProceduralDataset } from '#distill/data/procedural.js';
import { sizeOf } from '#distill/tensors.js';
import type { LoadOptions } from './load.js';
import {
  allocateImages,
  type SharedDataset,
  type SharedImages,
} from './shared.js';

/** Painting one takes about a millisecond. */
const imagesPerTurn = 2;

/**
 * The built-in data set, all of its images painted: a few at a time, since the
 * thread has other things to do.
 */
export async function loadProcedural(
  options: LoadOptions,
): Promise<SharedDataset> {
  const dataset = createProceduralDataset();
  const { name, imageShape, classNames, normalization, digest } = dataset;
  const [train, test] = [dataset.split('train'), dataset.split('test')];
  options.reserve((train.size + test.size) * sizeOf(imageShape));
  return {
    ...{ name, imageShape, classNames, normalization, digest },
    splits: {
      train: await paint(train, imageShape, options.signal),
      test: await paint(test, imageShape, options.signal),
    },
  };
}

async function paint(
  split: DatasetSplit,
  shape: ImageShape,
  signal: AbortSignal,
): Promise<SharedImages> {
  const painted = allocateImages(split.size, shape);
  const indices = Array.from({ length: split.size }, (_, index) => index);
  painted.labels.set(indices.map((index) => split.label(index)));
  for (let start = 0; start < split.size; start += imagesPerTurn) {
    const some = indices.slice(start, start + imagesPerTurn);
    painted.pixels.set(await split.images(some, signal), start * sizeOf(shape));
    await turn();
  }
  return painted;
}
