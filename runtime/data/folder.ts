import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageShape, Split } from '#distill/data/dataset.js';
import { sizeOf } from '#distill/tensors.js';
import { forEachBounded } from './bounded.js';
import { decodeImage, decodeInto, decoderVersion } from './decode.js';
import { withDigest } from './digest.js';
import { cifarNormalization, layoutError, type FileOptions } from './load.js';
import {
  allocateImages,
  type SharedDataset,
  type SharedImages,
} from './shared.js';

const imageFile = /^[^.].*\.(jpe?g|png)$/i;
const decodesAtOnce = 4;

interface Sample {
  readonly path: string;
  readonly label: number;
}

/**
 * Images in one folder per class: `<root>/{train,test}/<class>/<file>`.
 *
 * Classes are the folders of train/, in the order of their names; samples
 * follow classes, then file names. Hidden files and everything that is not
 * *.jpg, *.jpeg or *.png is ignored. Without `resizeTo` all images must be of
 * the first one's size (else `BatchShapeError`), so that pixels are exactly
 * those of the files.
 */
export async function loadFolder(
  options: FileOptions & { readonly resizeTo?: number },
): Promise<SharedDataset> {
  const { name, root } = options;
  const classNames = await foldersIn(join(root, 'train'), options);
  const train = await listSamples('train', classNames, options);
  const test = await listSamples('test', classNames, options);
  const [first] = train;
  if (!first) throw layoutError(options, 'images in train/<class>/');
  const { shape } = await decodeImage(first.path, options.resizeTo);
  options.reserve((train.length + test.length) * sizeOf(shape));
  const dataset = {
    name,
    imageShape: shape,
    classNames,
    normalization: cifarNormalization,
    splits: {
      train: await decodeAll(train, shape, options),
      test: await decodeAll(test, shape, options),
    },
  };
  return withDigest(dataset, decoderVersion);
}

async function decodeAll(
  samples: readonly Sample[],
  shape: ImageShape,
  { resizeTo, signal }: { resizeTo?: number; signal: AbortSignal },
): Promise<SharedImages> {
  const imageBytes = sizeOf(shape);
  const { pixels, labels } = allocateImages(samples.length, shape);
  labels.set(samples.map(({ label }) => label));
  const decode = ({ path }: Sample, index: number) => {
    const start = index * imageBytes;
    const out = pixels.subarray(start, start + imageBytes);
    return decodeInto(out, path, shape, resizeTo);
  };
  await forEachBounded(samples, decodesAtOnce, decode, signal);
  return { pixels, labels };
}

async function listSamples(
  split: Split,
  classNames: readonly string[],
  options: FileOptions,
): Promise<Sample[]> {
  const folder = join(options.root, split);
  const found = await foldersIn(folder, options);
  const unknown = found.find((name) => !classNames.includes(name));
  if (unknown !== undefined) {
    throw layoutError(options, `a class of train/, not ${split}/${unknown}`);
  }
  const samples: Sample[] = [];
  for (const name of found) {
    const files = await readdir(join(folder, name));
    const label = classNames.indexOf(name);
    for (const file of files.filter((f) => imageFile.test(f)).sort()) {
      samples.push({ path: join(folder, name, file), label });
    }
  }
  return samples;
}

async function foldersIn(path: string, options: FileOptions) {
  const names = await readdir(path).catch(() => {
    throw layoutError(options, 'a folder that holds train/ and test/');
  });
  const folders: string[] = [];
  for (const name of names.filter((each) => !each.startsWith('.')).sort()) {
    // `stat` follows links: a class may live elsewhere.
    if ((await stat(join(path, name))).isDirectory()) folders.push(name);
  }
  return folders;
}
