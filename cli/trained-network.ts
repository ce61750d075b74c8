import { createNetwork, isNetworkName } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import type { Dataset } from '#distill/data/dataset.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import {
  modelManifestSchema,
  type ModelManifest,
} from '#runtime/checkpoint/manifest.js';
import { CorruptFileError, InvalidRequestError } from '#runtime/errors.js';

/** The network of a checkpoint, with its weights. */
export interface TrainedNetwork {
  readonly network: Network;
  readonly tensors: NamedHostTensors;
  readonly manifest: ModelManifest;
}

/** @throws CorruptFileError if it is no whole checkpoint of a known network */
export async function readNetwork(path: string): Promise<TrainedNetwork> {
  const { manifest, tensors } = await readCheckpoint(path, modelManifestSchema);
  const { network: name, classCount } = manifest;
  if (isNetworkName(name)) {
    return { network: createNetwork(name, classCount), tensors, manifest };
  }
  const problem = `unknown network ${name}`;
  throw new CorruptFileError({ path, problem });
}

/** Images of another size would give a number that means nothing. */
export function requireSameImages(
  { name, imageShape }: Dataset,
  manifest: ModelManifest,
): void {
  const expected = manifest.imageShape.join(' x ');
  const actual = imageShape.join(' x ');
  if (actual === expected) return;
  throw new InvalidRequestError({
    field: 'dataset',
    value: `${name} (images of ${actual})`,
    expected: `images of ${expected}, as by ?size=${manifest.imageShape[0]}`,
  });
}
