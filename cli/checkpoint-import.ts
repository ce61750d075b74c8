import { existsSync } from 'node:fs';
import type { ImageShape, Normalization } from '#distill/data/dataset.js';
import {
  createNetwork,
  isNetworkName,
  networkNames,
} from '#distill/models/index.js';
import { sizeOf } from '#distill/tensors.js';
import { importWeights, writeCheckpoint } from '#runtime/checkpoint/index.js';
import {
  cifarNormalization,
  imagenetNormalization,
} from '#runtime/data/load.js';
import { InvalidRequestError } from '#runtime/errors.js';

/** Images that weights from elsewhere were trained on; the file does not say. */
export const imageKinds = {
  cifar: { side: 32, dataset: 'cifar100', normalization: cifarNormalization },
  imagenet: {
    ...{ side: 224, dataset: 'imagenet' },
    normalization: imagenetNormalization,
  },
} satisfies Record<
  string,
  {
    readonly side: number;
    readonly dataset: string;
    readonly normalization: Normalization;
  }
>;

export type ImageKind = keyof typeof imageKinds;

export interface ImportOptions {
  readonly network: string;
  /** The folder of the new model. */
  readonly output: string;
  readonly images: ImageKind;
  /** The name of the data set, where it is not the usual one of the kind. */
  readonly dataset: string | undefined;
}

export interface ImportResult {
  readonly model: string;
  readonly network: string;
  readonly classCount: number;
  readonly parameters: number;
}

/**
 * Makes a model that the teacher serves of a file of weights.
 * @throws InvalidRequestError for an unknown network or a folder that is there
 * @throws CorruptFileError, UnsafeCheckpointError, CheckpointMismatchError
 */
export async function importCheckpoint(
  path: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const { network: name, output } = options;
  if (!isNetworkName(name)) {
    const expected = `one of ${networkNames.join(', ')}`;
    throw new InvalidRequestError({ field: 'network', value: name, expected });
  }
  if (existsSync(output)) {
    const expected = 'a folder that does not exist';
    throw new InvalidRequestError({ field: 'output', value: output, expected });
  }
  const { network, tensors } = await importWeights(path, (classCount) =>
    createNetwork(name, classCount),
  );
  const { side, dataset, normalization } = imageKinds[options.images];
  const imageShape: ImageShape = [side, side, 3];
  const { classCount } = network;
  const manifest = {
    ...{ kind: 'model', network: name, classCount, imageShape, normalization },
    dataset: options.dataset ?? dataset,
  };
  await writeCheckpoint(output, { tensors, manifest });
  const sizes = Object.values(network.parameters).map((p) => sizeOf(p.shape));
  const parameters = sizes.reduce((sum, size) => sum + size, 0);
  return { model: output, network: name, classCount, parameters };
}
