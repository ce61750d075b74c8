import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { channelsFirst } from '#distill/data/channels.js';
import type { DatasetSplit } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import type { HostTensor } from '#distill/tensors.js';
import type { ModelManifest } from '#runtime/checkpoint/manifest.js';
import {
  quantise,
  type QuantisedModel,
} from '#runtime/compute/onnx/quantise/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { spread } from '#runtime/forward.js';
import { onnxModelName } from '#runtime/onnx-model.js';
import {
  readNetwork,
  requireSameImages,
  type TrainedNetwork,
} from './trained-network.js';

export interface QuantiseFlags {
  readonly datasets: Readonly<Record<string, string>>;
  /** Instead of the one that it was trained on. */
  readonly dataset: string | undefined;
  /** Training images that show which numbers come up. */
  readonly images: number;
  readonly featureCosine: number;
}

export interface QuantiseResult extends Omit<QuantisedModel, 'model'> {
  readonly folder: string;
  readonly network: string;
  readonly bytes: number;
  /** Test images that the outcome was judged on. */
  readonly judgedOn: number;
}

const batchSize = 64;
const judgedImages = 512;

/**
 * Writes a model in int8 beside one in float32: a folder that a teacher
 * serves as any other, under a name and with a digest of its own.
 * @throws InvalidRequestError if `output` is there already
 */
export async function quantiseTeacher(
  input: string,
  output: string,
  flags: QuantiseFlags,
): Promise<QuantiseResult> {
  if (existsSync(output)) {
    const expected = 'a folder that does not exist';
    throw new InvalidRequestError({ field: 'output', value: output, expected });
  }
  const trained = await readNetwork(input);
  const { network, tensors, manifest } = trained;
  const datasets = openDatasets(flags.datasets);
  const dataset = await datasets.get(flags.dataset ?? manifest.dataset);
  requireSameImages(dataset, manifest);
  const train = dataset.split('train');
  const chosen = spread(flags.images, train.size);
  const batches: HostTensor[] = [];
  for (let first = 0; first < chosen.length; first += batchSize) {
    const indices = chosen.slice(first, first + batchSize);
    batches.push(await imagesOf(train, indices, manifest));
  }
  const test = dataset.split('test');
  const judged = spread(judgedImages, test.size);
  const { model, ...facts } = await quantise(network, tensors, {
    ...{ imageShape: manifest.imageShape, batches },
    heldOut: await imagesOf(test, judged, manifest),
    featureCosine: flags.featureCosine,
  });
  await writeModel(output, model, trained);
  return {
    ...{ folder: output, network: network.name, bytes: model.length },
    ...facts,
    judgedOn: judged.length,
  };
}

/** float32 [n, C, H, W], normalised. */
async function imagesOf(
  split: DatasetSplit,
  indices: readonly number[],
  { imageShape, normalization }: ModelManifest,
): Promise<HostTensor> {
  const [height, width, channels] = imageShape;
  const pixels = await split.images(indices);
  const data = channelsFirst(normalize(pixels, normalization), imageShape);
  return { shape: [indices.length, channels, height, width], data };
}

/** The folder appears whole or not at all. */
async function writeModel(
  output: string,
  bytes: Uint8Array,
  { network, manifest }: TrainedNetwork,
): Promise<void> {
  const { imageShape: shape, normalization } = manifest;
  const file = 'model.onnx';
  const images = { shape, ...normalization };
  const definition = { network: `${network.name} int8`, file, images };
  const target = resolve(output);
  const temporary = join(
    dirname(target),
    `.${basename(target)}-${process.pid}`,
  );
  await mkdir(temporary, { recursive: true });
  try {
    await writeFile(join(temporary, file), bytes);
    await writeFile(join(temporary, onnxModelName), stringify(definition));
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
