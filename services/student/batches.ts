import { applyView, viewOf } from '#distill/data/augment.js';
import type { Experiment } from '#distill/experiment.js';
import type { Dataset } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { resizedCropsOf } from '#runtime/data/resized-crops.js';
import type { HostTensor } from '#distill/tensors.js';
import { sizeOf } from '#distill/tensors.js';
import type { BatchRef, Pixels } from './trainer-api.js';

/** A batch as the network takes it. */
export interface Batch {
  /** float32 [N, height, width, 3], normalised */
  readonly images: HostTensor;
  /** int32 [N] */
  readonly labels: HostTensor;
}

/** What decides the views of an epoch. */
export type ViewSettings = Pick<
  Experiment['training'],
  'seed' | 'augmentation'
>;

/**
 * Before anything else is opened for a run.
 * @throws InvalidRequestError for views that the data set cannot give
 */
export function checkViews(
  dataset: Dataset,
  { augmentation }: ViewSettings,
): void {
  if (augmentation !== 'random-resized-crop') return;
  resizedCropsOf(dataset, 'train');
}

/**
 * The views of a batch's samples, uint8.
 * @throws InvalidRequestError for a view that the data set cannot give
 */
export async function pixelsOf(
  dataset: Dataset,
  { seed, augmentation }: ViewSettings,
  { split, indices, epoch }: BatchRef,
): Promise<Pixels> {
  const samples = dataset.split(split);
  const shape = [indices.length, ...dataset.imageShape];
  if (epoch !== undefined && augmentation === 'random-resized-crop') {
    const data = await resizedCropsOf(dataset, split)(indices, { seed, epoch });
    return { shape, data };
  }
  const stored = await samples.images(indices);
  if (epoch === undefined) return { shape, data: stored };
  const data = new Uint8Array(stored.length);
  const size = sizeOf(dataset.imageShape);
  indices.forEach((index, position) => {
    const [start, end] = [position * size, (position + 1) * size];
    applyView(
      stored.subarray(start, end),
      dataset.imageShape,
      viewOf(seed, epoch, index),
      data.subarray(start, end),
    );
  });
  return { shape, data };
}

export async function batchOf(
  dataset: Dataset,
  settings: ViewSettings,
  batch: BatchRef,
): Promise<Batch> {
  const { shape, data } = await pixelsOf(dataset, settings, batch);
  const split = dataset.split(batch.split);
  const labels = Int32Array.from(batch.indices, (index) => split.label(index));
  return {
    images: { shape, data: normalize(data, dataset.normalization) },
    labels: { shape: [labels.length], data: labels },
  };
}
