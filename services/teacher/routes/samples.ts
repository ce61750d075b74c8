import type { Dataset, Split } from '#distill/data/dataset.js';
import { resizedCropsOf } from '#runtime/data/resized-crops.js';
import {
  BatchShapeError,
  DatasetMismatchError,
  InvalidRequestError,
} from '#runtime/errors.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import type { ExtractRequest__Output } from '#proto/rrd/v1/ExtractRequest.js';
import type { SampleRefs__Output } from '#proto/rrd/v1/SampleRefs.js';
import type { Split__Output } from '#proto/rrd/v1/Split.js';
import type { TeacherContext } from '../context.js';
import type { ExtractorDescription } from '../extractor.js';
import type { Job, Views } from '../job.js';

type Samples = Pick<Job, 'images' | 'count' | 'views'>;

/**
 * The images of a request.
 * @throws BatchShapeError for pixels, or a data set, of another shape
 * @throws DatasetNotFoundError, DatasetMismatchError
 * @throws InvalidRequestError for what is no sample, split or augmentation
 */
export async function samplesOf(
  { refs, pixels }: ExtractRequest__Output,
  { imageShape }: ExtractorDescription,
  context: TeacherContext,
  signal: AbortSignal,
): Promise<Samples> {
  const { maxBatchSize } = context.config;
  if (pixels) {
    checkCount(pixels.shape[0] ?? 0, maxBatchSize);
    const { shape, data } = fromWire(pixels, {
      field: 'pixels',
      dataType: 'uint8',
      shape: [null, ...imageShape],
    });
    return { images: data, count: shape[0]! };
  }
  if (!refs) throw invalid('samples', 'missing', 'refs or pixels');
  checkCount(refs.indices.length, maxBatchSize);
  const { augmentation, indices } = refs;
  const views = viewsOf(refs);
  const dataset = await datasetOf(refs, imageShape, context);
  const split = splitOf(refs.split);
  const stored = dataset.split(split);
  for (const index of indices) checkIndex(index, stored.size);
  const count = indices.length;
  if (views && augmentation === 'AUGMENTATION_RANDOM_RESIZED_CROP') {
    const crops = resizedCropsOf(dataset, split);
    return { images: await crops(indices, views, signal), count };
  }
  const images = await stored.images(indices, signal);
  return { images, count, ...(views && { views }) };
}

/**
 * The data set that references name, once it is loaded.
 * @throws DatasetNotFoundError, DatasetMismatchError, BatchShapeError
 */
export async function datasetOf(
  refs: Pick<SampleRefs__Output, 'dataset' | 'datasetDigest'>,
  imageShape: readonly number[],
  { datasets }: TeacherContext,
): Promise<Dataset> {
  const dataset = await datasets.get(refs.dataset);
  checkDataset(dataset, refs, imageShape);
  return dataset;
}

function checkCount(count: number, maxBatchSize: number): void {
  if (count >= 1 && count <= maxBatchSize) return;
  throw invalid('samples', count, `1 to ${maxBatchSize} of them`);
}

function checkIndex(index: number, size: number): void {
  if (index < size) return;
  throw invalid('refs.indices', index, `below ${size}`);
}

function checkDataset(
  dataset: Dataset,
  refs: Pick<SampleRefs__Output, 'datasetDigest'>,
  imageShape: readonly number[],
): void {
  const { name, digest } = dataset;
  if (digest !== refs.datasetDigest) {
    const expected = refs.datasetDigest;
    throw new DatasetMismatchError({ dataset: name, expected, actual: digest });
  }
  if (dataset.imageShape.join() === imageShape.join()) return;
  throw new BatchShapeError({
    field: `images of ${name}`,
    expected: imageShape.join(' x '),
    actual: dataset.imageShape.join(' x '),
  });
}

function splitOf(split: Split__Output): Split {
  switch (split) {
    case 'SPLIT_TRAIN':
      return 'train';
    case 'SPLIT_TEST':
      return 'test';
    case 'SPLIT_UNSPECIFIED':
      throw invalid('refs.split', split, 'train or test');
    default:
      throw invalid('refs.split', split satisfies never, 'a known split');
  }
}

function viewsOf(refs: SampleRefs__Output): Views | undefined {
  const { augmentation, augmentationSeed: seed, epoch, indices } = refs;
  switch (augmentation) {
    case 'AUGMENTATION_NONE':
      return undefined;
    case 'AUGMENTATION_CROP_FLIP':
    case 'AUGMENTATION_RANDOM_RESIZED_CROP':
      if (Number.isSafeInteger(seed)) return { seed, epoch, indices };
      throw invalid('refs.augmentation_seed', seed, 'below 2^53');
    case 'AUGMENTATION_UNSPECIFIED':
      throw invalid('refs.augmentation', augmentation, 'a known augmentation');
    default:
      throw invalid(
        'refs.augmentation',
        augmentation satisfies never,
        'a known augmentation',
      );
  }
}

function invalid(field: string, value: string | number, expected: string) {
  return new InvalidRequestError({ field, value, expected });
}
