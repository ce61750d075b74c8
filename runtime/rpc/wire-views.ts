import type { Split } from '#distill/data/dataset.js';
import type { Experiment } from '#distill/experiment.js';
import type { Augmentation__Output } from '#proto/rrd/v1/Augmentation.js';
import type { Split__Output } from '#proto/rrd/v1/Split.js';

/** How the contract calls the splits. */
export const wireSplits = {
  train: 'SPLIT_TRAIN',
  test: 'SPLIT_TEST',
} as const satisfies Record<Split, Split__Output>;

/** How the contract calls what views are drawn by. */
export const wireAugmentations = {
  none: 'AUGMENTATION_NONE',
  'crop-flip': 'AUGMENTATION_CROP_FLIP',
  'random-resized-crop': 'AUGMENTATION_RANDOM_RESIZED_CROP',
} as const satisfies Record<
  Experiment['training']['augmentation'],
  Augmentation__Output
>;
