import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelsFirst } from '#distill/data/channels.js';
import { normalize } from '#distill/data/normalize.js';
import { rngFrom } from '#distill/data/rng.js';
import { sizeOf } from '#distill/tensors.js';
import { leastCosine } from '#runtime/compute/deviation.js';
import { createEngine } from '#runtime/compute/index.js';
import { exportOnnx } from '#runtime/compute/onnx/export.js';
import { quantise } from '#runtime/compute/onnx/quantise/index.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';
import { createLogger } from '#runtime/logger.js';
import { NetworkExtractor } from './network-extractor.js';
import { toConfig } from './config.js';
import {
  definition,
  input,
  loadOnnxModel,
  writeOnnxModel,
} from './onnx-model.test-fixture.js';
import { startTeacher } from './service.js';
import {
  maxBatchSize,
  network,
  normalization,
  shape,
  weights,
} from './service.test-fixture.js';

const log = createLogger('test', { level: 'silent' });
const count = 5;
const noMaps = new Set<never>();
const images = pixels('images', count);
const exported = exportOnnx(network, weights, {
  imageShape: shape,
  foldBatchNorm: true,
});

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rrd-onnx-model-'));
});

afterAll(() => rm(root, { recursive: true }));

function pixels(seed: string, n: number): Uint8Array {
  const rng = rngFrom(4, seed);
  const length = n * sizeOf(shape);
  return Uint8Array.from({ length }, () => rng.integer(256));
}

function normalised(seed: string, n: number) {
  const data = normalize(pixels(seed, n), normalization);
  const [height, width, channels] = shape;
  const dims = [n, channels, height, width];
  return { shape: dims, data: channelsFirst(data, shape) };
}

const load = (model: object, bytes: Uint8Array | undefined) =>
  loadOnnxModel(root, model, bytes);

async function floatOutputs() {
  const folder = join(root, 'float');
  const manifest = {
    ...{ kind: 'model', network: network.name, dataset: 'small' },
    ...{ classCount: network.classCount, imageShape: shape, normalization },
  } as const;
  await writeCheckpoint(folder, { tensors: weights, manifest });
  const engine = await createEngine('auto');
  const teacher = await NetworkExtractor.load(folder, engine, maxBatchSize);
  return teacher.extract(images, noMaps);
}

describe('an ONNX model as the teacher', () => {
  it('answers as the network that it was made of', async () => {
    const truth = await floatOutputs();
    const teacher = await load(definition, exported);
    const { features, logits } = await teacher.extract(images, noMaps);
    expect(features.shape).toEqual([count, network.featureDim]);
    for (const [found, expected] of [
      [features, truth.features],
      [logits, truth.logits],
    ] as const) {
      expect(found.shape).toEqual(expected.shape);
      for (const [i, value] of found.data.entries())
        expect(value).toBeCloseTo(expected.data[i]!, 4);
    }
    expect(teacher.description).toMatchObject({
      ...{ network: 'any', featureDim: 64, classCount: 4, imageShape: shape },
      engine: expect.stringMatching(
        /^onnx \(cpu\), onnxruntime-node \d/,
      ) as string,
    });
  });

  it('has a digest of the file and the preprocessing, not of the place', async () => {
    const digestOf = async (model: object, bytes = exported) =>
      (await load(model, bytes)).description.digest;
    const digest = await digestOf(definition);
    expect(await digestOf(definition)).toBe(digest);
    const images = { ...input, mean: [0, 0, 0] };
    expect(await digestOf({ ...definition, images })).not.toBe(digest);
    const options = { imageShape: shape, foldBatchNorm: false };
    const other = exportOnnx(network, weights, options);
    expect(await digestOf(definition, other)).not.toBe(digest);
  });
});

describe('a model in int8', () => {
  const options = {
    imageShape: shape,
    batches: [normalised('calibration', 64), normalised('more', 64)],
    heldOut: normalised('held out', 64),
  };

  it('is near the one in float32, and never depends on the batch', async () => {
    const made = await quantise(network, weights, {
      ...{ ...options, featureCosine: 0.99 },
    });
    expect(made).toMatchObject({ layers: 9, kept: [] });
    expect(made.logitsKl).toBeGreaterThan(0);
    expect(made.logitsKl).toBeLessThan(0.01);
    const text = Buffer.from(made.model).toString('latin1');
    expect(text).toContain('QuantizeLinear');
    expect(made.model.length).toBeLessThan(exported.length / 2);

    const truth = await floatOutputs();
    const teacher = await load(definition, made.model);
    const all = await teacher.extract(images, noMaps);
    const { features } = truth;
    const cosine = leastCosine(all.features.data, features.data, count);
    expect(cosine).toBeGreaterThan(0.99);
    expect(cosine).toBeLessThan(1);
    const last = images.subarray((count - 1) * sizeOf(shape));
    const alone = await teacher.extract(last, noMaps);
    const row = all.features.data.subarray((count - 1) * 64);
    expect(alone.features.data).toEqual(row);
  });

  it('keeps layers in float32 until it is as near as was asked', async () => {
    const made = await quantise(network, weights, {
      ...{ ...options, featureCosine: 0.999999 },
    });
    expect(made.kept.length).toBeGreaterThan(0);
    expect(made.kept.length).toBeLessThanOrEqual(made.layers);
    expect(made.featureCosine).toBeGreaterThan(0.9999);
  });
});

describe('an ONNX model is refused', () => {
  const refused = (model: object, bytes?: Uint8Array) =>
    expect(load(model, bytes)).rejects;

  it('when its definition is wrong, with the field', async () => {
    const images = { ...input, std: [1, 0, 1] };
    await refused({ ...definition, images }, exported).toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('images.std') as string,
    });
    const file = '../model.onnx';
    await refused({ ...definition, file }, exported).toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('an .onnx file') as string,
    });
  });

  it('when mean and std are not of its channels', async () => {
    const images = { ...input, mean: [0, 0] };
    await refused({ ...definition, images }, exported).toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('images.mean') as string,
    });
  });

  it('when the file is missing or damaged', async () => {
    await refused(definition).toMatchObject({ reason: 'CORRUPT_FILE' });
    const half = exported.subarray(0, exported.length / 2);
    await refused(definition, half).toMatchObject({ reason: 'CORRUPT_FILE' });
  });

  it('when it has no such output or takes no such images', async () => {
    const outputs = { features: 'pooled' };
    await refused({ ...definition, outputs }, exported).toMatchObject({
      reason: 'CORRUPT_FILE',
      message: expect.stringContaining('pooled') as string,
    });
    const gray = { shape: [8, 8, 1], mean: [0], std: [1] };
    await refused({ ...definition, images: gray }, exported).toMatchObject({
      reason: 'CORRUPT_FILE',
    });
  });

  it('when what is to run it is not here', async () => {
    const executionProviders = ['tensorrt', 'cpu'];
    const model = { ...definition, executionProviders };
    const unavailable = {
      reason: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('tensorrt') as string,
    };
    await refused(model, exported).toMatchObject(unavailable);
    const preload = [await writeOnnxModel(root, model, exported)];
    const config = toConfig({ modelsDir: root, engine: 'cpu', preload });
    const start = startTeacher(config, { log });
    await expect(start).rejects.toMatchObject(unavailable);
  });
});
