import { applyView, viewOf } from '#distill/data/augment.js';
import type { Experiment } from '#distill/experiment.js';
import type { Dataset } from '#distill/data/dataset.js';
import { cutmix, mixup } from '#distill/data/mixing.js';
import { normalize } from '#distill/data/normalize.js';
import { rngFrom } from '#distill/data/rng.js';
import { redrawSeed } from '#distill/views.js';
import { resizedCropsOf } from '#runtime/data/resized-crops.js';
import type { HostTensor } from '#distill/tensors.js';
import { sizeOf } from '#distill/tensors.js';
import type { BatchRef, Pixels } from './trainer-api.js';

/** A batch as the network takes it. */
export interface Batch {
  /** See `imagesOf`. */
  readonly images: HostTensor;
  /** int32 [N] */
  readonly labels: HostTensor;
}

/** What decides the views of an epoch. */
export interface ViewSettings {
  readonly seed: number;
  readonly augmentation: Experiment['training']['augmentation'];
}

/**
 * Before anything else is opened for a run.
 * @throws InvalidRequestError for views that the data set cannot give
 */
export function checkViews(
  dataset: Dataset,
  { augmentation }: Pick<ViewSettings, 'augmentation'>,
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
  settings: ViewSettings,
  batch: BatchRef,
): Promise<Pixels> {
  const { view, ...own } = batch;
  const seed = viewSeedOf(settings, batch);
  const { shape, data } = await ownView(dataset, { ...settings, seed }, own);
  if (!view || view.kind === 'redraw') return { shape, data };
  const { kind, number, epoch } = view;
  // A sample is but once in an epoch, so no two batches are mixed alike.
  const rng = rngFrom(seed, kind, number, epoch, batch.indices[0] ?? 0);
  const { imageShape } = dataset;
  const mix = { cutmix, mixup }[kind];
  return { shape, data: mix({ data, imageShape }, rng) };
}

/** The seed of each sample's own view: that of a further draw if it is one. */
export function viewSeedOf(
  { seed }: Pick<ViewSettings, 'seed'>,
  { view }: BatchRef,
): number {
  if (view?.kind !== 'redraw') return seed;
  return redrawSeed(seed, view.number);
}

async function ownView(
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
  const images = await imagesOf(dataset, settings, batch);
  const split = dataset.split(batch.split);
  const labels = Int32Array.from(batch.indices, (index) => split.label(index));
  return { images, labels: { shape: [labels.length], data: labels } };
}

/** float32 [N, height, width, 3], normalised */
export async function imagesOf(
  dataset: Dataset,
  settings: ViewSettings,
  batch: BatchRef,
): Promise<HostTensor> {
  const { shape, data } = await pixelsOf(dataset, settings, batch);
  return { shape, data: normalize(data, dataset.normalization) };
}
