import { mkdir, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import type { Dataset, ImageShape } from '#distill/data/dataset.js';
import { rngFrom } from '#distill/data/rng.js';
import { createNetwork } from '#distill/models/index.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import type { Clock } from './batcher.js';
import { toConfig, type TeacherSettings } from './config.js';
import { startTeacher } from './service.js';

/** A real teacher on port 0 with a tiny data set and tiny models. */

export type TeacherClient = RpcClient<'rrd.v1.TeacherService'>;
export type Request = Parameters<TeacherClient['extract']>[0];
export type Refs = NonNullable<Request['refs']>;

export const shape: ImageShape = [8, 8, 3];
export const imageBytes = 8 * 8 * 3;
export const network = createNetwork('resnet8', 4);
export const weights = network.init(rngFrom(1, 'teacher'));
export const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
export const maxBatchSize = 16;
export const projection = { seed: 7, featDim: 5 };

export interface Fixture {
  readonly dataset: Dataset;
  readonly address: string;
  readonly client: TeacherClient;
  /** How often a model was loaded. */
  loads(): number;
  /** References to training samples, with `fields` of its own. */
  refs(indices: number[], fields?: Refs): Refs;
  /** Extracts from the model `small` unless the request says otherwise. */
  extract(
    request: Request,
    signal?: AbortSignal,
  ): ReturnType<TeacherClient['extract']>;
  close(): Promise<void>;
}

/** Random images of two classes, as PNG files. */
async function writeImages(root: string): Promise<void> {
  const rng = rngFrom(3, 'images');
  for (const split of ['train', 'test']) {
    for (const name of ['a', 'b']) {
      const folder = join(root, split, name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < 10; i += 1) {
        const pixels = Uint8Array.from({ length: imageBytes }, () =>
          rng.integer(256),
        );
        const raw = { width: 8, height: 8, channels: 3 } as const;
        await sharp(pixels, { raw })
          .png()
          .toFile(join(folder, `${i}.png`));
      }
    }
  }
}

const manifest = {
  kind: 'model',
  network: 'resnet8',
  classCount: 4,
  imageShape: shape,
  normalization,
  dataset: 'small',
};

/** Models that work, and models that do not, in `folder`. */
async function writeModels(folder: string): Promise<void> {
  const write = (name: string, fields = {}, tensors = weights) =>
    writeCheckpoint(join(folder, name), {
      tensors,
      manifest: { ...manifest, ...fields },
    });
  await write('small');
  await write('twin');
  await write('brighter', {
    normalization: { ...normalization, mean: [0, 0, 0] },
  });
  // Its maps have values of millions.
  await write('loud', {
    normalization: { ...normalization, std: [1e-7, 1e-7, 1e-7] },
  });
  await write('other-weights', {}, network.init(rngFrom(2, 'teacher')));
  await write('truncated');
  await truncate(join(folder, 'truncated/model.safetensors'), 1000);
  await write('other-network', { network: 'resnet14' });
  await write('unknown-network', { network: 'lenet' });
  await write('large', { imageShape: [16, 16, 3] });
}

export async function startFixture(
  settings: TeacherSettings = {},
  clock?: Clock,
): Promise<Fixture> {
  const root = await mkdtemp(join(tmpdir(), 'rrd-teacher-'));
  const modelsDir = join(root, 'models');
  await writeModels(modelsDir);
  await writeImages(join(root, 'images'));
  const datasets = { small: `folder:${join(root, 'images')}` };
  const dataset = await openDatasets(datasets).get('small');
  const config = toConfig({
    modelsDir,
    engine: 'cpu',
    datasets,
    maxBatchSize,
    ...settings,
  });
  const log: string[] = [];
  const teacher = await startTeacher(config, {
    log: pino({ base: null }, { write: (line) => log.push(line) }),
    ...(clock && { clock }),
  });
  const { address } = teacher;
  const client = connect('rrd.v1.TeacherService', address);
  return {
    dataset,
    address,
    client,
    loads: () => log.filter((line) => line.includes('"loaded"')).length,
    refs: (indices, fields = {}) => ({
      dataset: 'small',
      datasetDigest: dataset.digest,
      split: 'SPLIT_TRAIN',
      indices,
      augmentation: 'AUGMENTATION_CROP_FLIP',
      augmentationSeed: 11,
      epoch: 2,
      ...fields,
    }),
    extract: (request, signal) =>
      client.extract(
        { model: 'small', ...request },
        { deadlineMs: 20_000, ...(signal && { signal }) },
      ),
    async close() {
      client.close();
      await teacher.close();
      await rm(root, { recursive: true });
    },
  };
}
