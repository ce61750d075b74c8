import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { createProceduralDataset } from '#distill/data/procedural.js';
import { forEachBounded } from '#runtime/data/bounded.js';
import { openDatasets } from '#runtime/data/index.js';
import { packageRoot } from '#runtime/paths.js';
import { findPyTorch } from './pytorch.js';

/**
 * ImageNet's input, 500 x 375 JPEGs to views of 224 x 224: images a second,
 * beside the decoder alone (the limit: nothing cut, scaled or copied) and
 * beside torchvision's loader with as many workers as we have threads.
 */

const images = 384;
const [width, height] = [500, 375];
const batchSize = 64;
const repeats = 5;

export async function benchData(): Promise<object> {
  const root = await mkdtemp(join(tmpdir(), 'rrd-bench-data-'));
  try {
    await writePhotos(root);
    const definition = { photos: `imagenet:${root}` };
    const dataset = await openDatasets(definition).get('photos');
    const train = dataset.split('train');
    const perBatch = async (read: (indices: number[]) => Promise<unknown>) => {
      for (let first = 0; first < images; first += batchSize) {
        const length = Math.min(batchSize, images - first);
        await read(Array.from({ length }, (_, i) => first + i));
      }
    };
    let epoch = 0;
    const rows = {
      decodeOnly: await rate(() => decodeAll(join(root, 'train', 'a'))),
      trainViews: await rate(() => {
        epoch += 1;
        return perBatch((indices) =>
          train.resizedCrops!(indices, { seed: 0, epoch }),
        );
      }),
      evaluation: await rate(() =>
        perBatch((indices) => train.images(indices)),
      ),
    };
    const torchvision = await peer(join(root, 'train'));
    const cores = availableParallelism();
    console.log(`${images} JPEGs of ${width} x ${height}, ${cores} cores`);
    for (const [name, value] of Object.entries({ ...rows, torchvision })) {
      const text = value === undefined ? 'not here' : `${value} img/s`;
      console.log(`${name.padEnd(12)} ${text}`);
    }
    return {
      ...{ images, width, height, cores, loadAverage: loadavg()[0] },
      ...rows,
      ...(torchvision !== undefined && { torchvision }),
    };
  } finally {
    await rm(root, { recursive: true });
  }
}

/** The median of several passes, after one that counts for nothing. */
async function rate(pass: () => Promise<unknown>): Promise<number> {
  await pass();
  const rates: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const startedMs = performance.now();
    await pass();
    rates.push((images * 1000) / (performance.now() - startedMs));
  }
  return Math.round(rates.sort((a, b) => a - b)[Math.floor(repeats / 2)]!);
}

async function decodeAll(folder: string): Promise<void> {
  const decode = async (file: string) => {
    const encoded = await readFile(join(folder, file));
    await sharp(encoded).raw().toBuffer();
  };
  const { signal } = new AbortController();
  const files = await readdir(folder);
  await forEachBounded(files, availableParallelism(), decode, signal);
}

async function writePhotos(root: string): Promise<void> {
  const options = { seed: 0, trainSize: images, testSize: 1 };
  const pictures = createProceduralDataset(options).split('train');
  const raw = { width: 32, height: 32, channels: 3 } as const;
  for (const split of ['train', 'val']) {
    await mkdir(join(root, split, 'a'), { recursive: true });
    const count = split === 'train' ? images : 1;
    for (let i = 0; i < count; i++) {
      await sharp(await pictures.images([i]), { raw })
        .resize(width, height, { fit: 'fill' })
        .jpeg({ quality: 90 })
        .toFile(join(root, split, 'a', `${i}.JPEG`));
    }
  }
}

/** undefined where Python has no torchvision. */
async function peer(folder: string): Promise<number | undefined> {
  const script = join(packageRoot, 'bench/peers/decode.py');
  const workers = String(availableParallelism());
  const run = async () => {
    const { python } = await findPyTorch();
    const args = [script, folder, workers];
    return promisify(execFile)(python, args, { timeout: 120_000 });
  };
  const output = await run().catch(() => undefined);
  if (!output) return undefined;
  const { imagesPerSecond } = JSON.parse(output.stdout) as {
    imagesPerSecond: number;
  };
  return Math.round(imagesPerSecond);
}
