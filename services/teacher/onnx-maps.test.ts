import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelsLast } from '#distill/data/channels.js';
import { normalize } from '#distill/data/normalize.js';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import type { MapName } from '#distill/methods/method.js';
import { type NamedHostTensors, sizeOf } from '#distill/tensors.js';
import { createEngine } from '#runtime/compute/index.js';
import { exportOnnx } from '#runtime/compute/onnx/export.js';
import { Graph } from '#runtime/compute/onnx/graph.js';
import { encodeModel } from '#runtime/compute/onnx/model.js';
import { checkMaps } from './routes/maps.js';
import { definition, input, loadOnnxModel } from './onnx-model.test-fixture.js';
import {
  network,
  normalization,
  shape,
  weights,
} from './service.test-fixture.js';

const count = 5;
const mapNames: MapName[] = ['maps.0', 'maps.1', 'maps.2', 'maps.3'];
const before: MapName[] = ['preactivations.1', 'preactivations.2'];
const exported = exportOnnx(network, weights, {
  ...{ imageShape: shape, foldBatchNorm: true },
  maps: [...mapNames, ...before],
});
const rng = rngFrom(4, 'images');
const images = Uint8Array.from({ length: count * sizeOf(shape) }, () =>
  rng.integer(256),
);
const first = (n: number) => images.subarray(0, n * sizeOf(shape));
const floats = normalize(images, normalization);

let root: string;
let truth: NamedHostTensors;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rrd-onnx-maps-'));
  const engine = await createEngine('cpu');
  const program = createForwardProgram(network, shape, count, {
    wanted: () => true,
  });
  const executable = await engine.compile(program, weights);
  const inputs = { shape: [count, ...shape], data: floats };
  truth = await executable.run({ images: inputs });
});

afterAll(() => rm(root, { recursive: true }));

const load = (outputs: object, bytes = exported, fields: object = {}) =>
  loadOnnxModel(root, { ...definition, ...fields, outputs }, bytes);

/** In the order of their names in the definition. */
const all = {
  maps: mapNames,
  preactivations: ['maps.0', ...before, 'maps.3'],
};

describe('the maps of an ONNX model', () => {
  it('are those of the network that it was made of', async () => {
    const teacher = await load(all);
    const wanted = new Set([...mapNames, ...before]);
    const extracted = await teacher.extract(images, wanted);
    for (const name of [...wanted, 'features', 'logits'] as const) {
      const { shape, data } = extracted[name as MapName]!;
      const expected = truth[name]!;
      expect(shape).toEqual(expected.shape);
      for (const [i, value] of data.entries())
        expect(value).toBeCloseTo(expected.data[i]!, 4);
    }
    const shapes = mapNames.map((name) => truth[name]!.shape.slice(1));
    expect(await teacher.mapShapes('maps')).toEqual(shapes);
    expect(await teacher.mapShapes('preactivations')).toEqual(shapes);
  });

  it('never depend on the batch, and come alone if asked for alone', async () => {
    const teacher = await load(all);
    const both = new Set<MapName>(['maps.3', 'maps.1']);
    const together = await teacher.extract(images, both);
    const last = images.subarray((count - 1) * sizeOf(shape));
    const alone = await teacher.extract(last, new Set<MapName>(['maps.1']));
    const { data, shape: whole } = together['maps.1']!;
    const row = data.subarray((count - 1) * sizeOf(whole.slice(1)));
    expect(alone['maps.1']!.data).toEqual(row);
    expect(Object.keys(alone)).toEqual(['features', 'logits', 'maps.1']);
  });

  it('are part of its digest, and their absence is not', async () => {
    const digestOf = async (outputs: object) =>
      (await load(outputs)).description.digest;
    const plain = await digestOf({});
    const digests = [await digestOf(all), await digestOf({ maps: mapNames })];
    expect(new Set([plain, ...digests]).size).toBe(3);
    expect(await digestOf({ layout: 'NHWC' })).toBe(plain);
  });

  it('may have channels last', async () => {
    const [height, width, channels] = shape;
    const graph = new Graph();
    const relu = graph.add('Relu', ['images']);
    const axes = graph.integers([1, 2]);
    const attributes = { keepdims: 0 };
    const pooled = graph.add('ReduceMean', [relu, axes], { attributes });
    const port = (name: string, dims: readonly number[]) => {
      return { name, type: 'float32' as const, dims: ['batch', ...dims] };
    };
    const bytes = encodeModel(
      graph,
      [port('images', shape)],
      [port(relu, shape), port(pooled, [channels])],
    );
    const images = { ...input, layout: 'NHWC' };
    const outputs = { features: pooled, logits: pooled, maps: [relu] };
    const teacher = await load(outputs, bytes, { images });
    expect(await teacher.mapShapes('maps')).toEqual([
      [height, width, channels],
    ]);
    const extracted = await teacher.extract(
      first(2),
      new Set<MapName>(['maps.0']),
    );
    const expected = floats.subarray(0, 2 * sizeOf(shape));
    expect(extracted['maps.0']!.data).toEqual(
      expected.map((value) => Math.max(0, value)),
    );
    expect(await teacher.mapShapes('preactivations')).toEqual([]);
    const job = { outputs: new Set(['preactivations.0'] as const), count: 1 };
    await expect(checkMaps(job, teacher)).rejects.toMatchObject({
      ...{ reason: 'INVALID_REQUEST', metadata: { field: 'outputs' } },
    });
  });
});

describe('an ONNX model whose sizes differ', () => {
  it('works at the one that is its reference', async () => {
    // Its features grow with the batch: no size agrees with another.
    const graph = new Graph();
    const pixels = graph.integers([2, 3]);
    const attributes = { keepdims: 0 };
    const pooled = graph.add('ReduceMean', ['images', pixels], { attributes });
    const start = graph.add('Shape', ['images'], {
      attributes: { start: 0, end: 1 },
    });
    const size = graph.add('Cast', [start], { attributes: { to: 1 } });
    const features = graph.add('Mul', [pooled, size]);
    const type = 'float32' as const;
    const bytes = encodeModel(
      graph,
      [{ name: 'images', type, dims: ['batch', 3, 8, 8] }],
      [{ name: features, type, dims: ['batch', 3] }],
    );
    const teacher = await load({ features, logits: features }, bytes);
    const none = new Set<MapName>();
    const many = await teacher.extract(images, none);
    const one = await teacher.extract(first(1), none);
    expect(one.features.data).toEqual(many.features.data.subarray(0, 3));
  });
});

describe('maps of an ONNX model are refused, with the field,', () => {
  const corrupt = (field: string) => ({
    reason: 'CORRUPT_FILE',
    message: expect.stringContaining(field) as string,
  });

  it.each([
    [
      'without such an output',
      { maps: ['maps.0', 'stage9'] },
      'outputs.maps.1',
    ],
    ['that are rows', { maps: ['features'] }, 'outputs.maps.0'],
    [
      'in front of a ReLU and of another shape',
      { maps: ['maps.0', 'maps.3'], preactivations: ['maps.0', 'maps.2'] },
      'outputs.preactivations.1',
    ],
    [
      'without an output of that name in front of a ReLU',
      { maps: ['maps.0'], preactivations: ['nowhere'] },
      'outputs.preactivations.0',
    ],
  ])('%s', async (_what, outputs, field) => {
    await expect(load(outputs)).rejects.toMatchObject(corrupt(field));
  });

  it('when not each of them has one in front of its ReLU', async () => {
    const outputs = { maps: mapNames, preactivations: ['maps.0'] };
    await expect(load(outputs)).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      message: expect.stringContaining('outputs.preactivations') as string,
    });
  });
});

it('channels last is the inverse of channels first', () => {
  const data = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  // [1, 3, 2, 2] -> [1, 2, 2, 3]
  expect([...channelsLast(data, [2, 2, 3])]).toEqual([
    ...[1, 5, 9, 2, 6, 10],
    ...[3, 7, 11, 4, 8, 12],
  ]);
});
