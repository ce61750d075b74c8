import type { Normalization } from '#distill/data/dataset.js';
import { ConfigInvalidError } from '../errors.js';

/** What every loader is given. */
export interface LoadOptions {
  readonly signal: AbortSignal;
  /** Throws `DatasetBytesError` when so many bytes may not be held. */
  readonly reserve: (bytes: number) => void;
}

/** What every loader of files is given. */
export interface FileOptions extends LoadOptions {
  /** The name of the data set. */
  readonly name: string;
  /** The folder that holds it. */
  readonly root: string;
}

/** Mean and deviation of CIFAR-100's training images, used for all files. */
export const cifarNormalization: Normalization = {
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

/** Of ImageNet's training images, as torchvision's networks expect. */
export const imagenetNormalization: Normalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** A folder that is not laid out as its kind of data set is. */
export function layoutError({ name, root }: FileOptions, expected: string) {
  return new ConfigInvalidError({
    source: 'data sets',
    line: 0,
    field: name,
    value: root,
    expected,
  });
}
