import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ImageShape, Split } from '#distill/data/dataset.js';
import { CorruptFileError } from '../errors.js';
import { forEachBounded } from './bounded.js';
import { viewDecoderVersion } from './decode-view.js';
import { withDigest } from './digest.js';
import type { FileOptions } from './load.js';
import {
  allocateImages,
  type SharedDataset,
  type SharedImages,
} from './shared.js';

const storedSide = 96;
const planeBytes = storedSide * storedSide;
const recordBytes = 3 * planeBytes;
const resizesAtOnce = 4;

/** Of STL-10's labelled training images. */
const normalization = {
  mean: [0.4467, 0.4398, 0.4066],
  std: [0.2603, 0.2566, 0.2712],
};

/**
 * The labelled images of STL-10's official binary files in the folder `root`:
 * red, green and blue planes of 96 x 96, each column by column; labels from 1.
 * `resizeTo` scales the images (antialiased, linear).
 * @throws CorruptFileError
 */
export async function loadStl10(
  options: FileOptions & { readonly resizeTo?: number },
): Promise<SharedDataset> {
  const { name, root, reserve, resizeTo: side = storedSide } = options;
  const classNames = await readClassNames(join(root, 'class_names.txt'));
  const counts = {
    train: await countOf(join(root, 'train_X.bin')),
    test: await countOf(join(root, 'test_X.bin')),
  };
  const imageShape: ImageShape = [side, side, 3];
  reserve((counts.train + counts.test) * side * side * 3);
  const read = async (split: Split): Promise<SharedImages> => {
    const images = allocateImages(counts[split], imageShape);
    const labels = join(root, `${split}_y.bin`);
    images.labels.set(
      await readLabels(labels, counts[split], classNames.length),
    );
    const pixels = join(root, `${split}_X.bin`);
    await readPixels(pixels, images, side, options.signal);
    return images;
  };
  const splits = { train: await read('train'), test: await read('test') };
  return withDigest(
    { name, imageShape, classNames, normalization, splits },
    `stl10 binary 1, ${viewDecoderVersion}`,
  );
}

async function readClassNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CorruptFileError({ path, problem: 'cannot be read' }, { cause });
  });
  return text.split('\n').filter((line) => line.trim() !== '');
}

async function countOf(path: string): Promise<number> {
  const size = await sizeOfFile(path);
  if (size > 0 && size % recordBytes === 0) return size / recordBytes;
  const problem = `${size} bytes are not whole images of ${recordBytes}`;
  throw new CorruptFileError({ path, problem });
}

async function sizeOfFile(path: string): Promise<number> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new CorruptFileError({ path, problem: 'cannot be read' }, { cause });
  });
  return size;
}

async function readLabels(path: string, count: number, classCount: number) {
  const size = await sizeOfFile(path);
  if (size !== count) {
    const problem = `${size} labels for ${count} images`;
    throw new CorruptFileError({ path, problem });
  }
  const labels = await readFile(path);
  const wrong = labels.findIndex((label) => label < 1 || label > classCount);
  if (wrong < 0) return labels.map((label) => label - 1);
  const problem = `label ${labels[wrong]} of image ${wrong} is not 1 to ${classCount}`;
  throw new CorruptFileError({ path, problem });
}

async function readPixels(
  path: string,
  { pixels, labels }: SharedImages,
  side: number,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path);
  const imageBytes = side * side * 3;
  const one = async (_: number, row: number) => {
    const planes = new Uint8Array(recordBytes);
    const start = row * recordBytes;
    const { bytesRead } = await file.read(planes, 0, recordBytes, start);
    if (bytesRead !== recordBytes) {
      throw new CorruptFileError({ path, problem: 'shrank while being read' });
    }
    pixels.set(await scaled(upright(planes), side), row * imageBytes);
  };
  try {
    await forEachBounded([...labels], resizesAtOnce, one, signal);
  } finally {
    await file.close();
  }
}

/** Planes of columns [C, W, H] as pixels [H, W, C]. */
function upright(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(recordBytes);
  for (let row = 0; row < storedSide; row++) {
    for (let column = 0; column < storedSide; column++) {
      const target = 3 * (row * storedSide + column);
      const source = column * storedSide + row;
      for (let channel = 0; channel < 3; channel++) {
        pixels[target + channel] = planes[channel * planeBytes + source]!;
      }
    }
  }
  return pixels;
}

async function scaled(pixels: Uint8Array, side: number): Promise<Uint8Array> {
  if (side === storedSide) return pixels;
  const raw = { width: storedSide, height: storedSide, channels: 3 } as const;
  return sharp(pixels, { raw })
    .resize(side, side, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
}
