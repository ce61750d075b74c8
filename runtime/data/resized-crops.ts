import type { Dataset, DatasetSplit, Split } from '#distill/data/dataset.js';
import { InvalidRequestError } from '../errors.js';

/**
 * How a data set gives its random-resized-crop views.
 * @throws InvalidRequestError if it holds images of one size, not the originals
 */
export function resizedCropsOf(
  dataset: Dataset,
  split: Split,
): NonNullable<DatasetSplit['resizedCrops']> {
  const { resizedCrops } = dataset.split(split);
  if (resizedCrops) return resizedCrops;
  throw new InvalidRequestError({
    field: 'augmentation',
    value: `random-resized-crop of ${dataset.name}`,
    expected: 'crop-flip, or a data set that is decoded on demand (imagenet:)',
  });
}
