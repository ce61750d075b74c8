import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import {
  projection,
  startFixture,
  type Fixture,
  type Refs,
  type Request,
} from './service.test-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(() => fixture.close());

describe('what the teacher refuses', () => {
  const outputs: Request['outputs'] = ['TEACHER_OUTPUT_LOGITS'];
  const refs = (indices: number[], fields?: Refs) =>
    fixture.refs(indices, fields);
  const ask = (request: Request) => ({ refs: refs([0]), outputs, ...request });
  const pixelsOf = (pixelShape: number[]) => {
    const bytes = pixelShape.reduce((a, b) => a * b, 1);
    return toWire({ shape: pixelShape, data: new Uint8Array(bytes) });
  };
  const askPixels = (pixelShape: number[]) => ({
    pixels: pixelsOf(pixelShape),
    outputs,
  });
  const floats = { shape: [1, 8, 8, 3], data: new Float32Array(192) };

  const cases: Record<string, [() => Request, object]> = {
    'an unknown model': [
      () => ask({ model: 'none' }),
      { reason: 'MODEL_NOT_FOUND', metadata: { model: 'none' } },
    ],
    'a model outside its folder': [
      () => ask({ model: '../images' }),
      { reason: 'MODEL_NOT_FOUND' },
    ],
    'a truncated model': [
      () => ask({ model: 'truncated' }),
      { reason: 'CORRUPT_FILE', status: 'DATA_LOSS' },
    ],
    'a model whose tensors are another network': [
      () => ask({ model: 'other-network' }),
      { reason: 'CORRUPT_FILE' },
    ],
    'a model of a network that we do not have': [
      () => ask({ model: 'unknown-network' }),
      { reason: 'CORRUPT_FILE' },
    ],
    'another teacher than expected': [
      () => ask({ teacherDigest: 'abc' }),
      { reason: 'TEACHER_MISMATCH', metadata: { expected: 'abc' } },
    ],
    'an unknown data set': [
      () => ask({ refs: refs([0], { dataset: 'imagenet' }) }),
      { reason: 'DATASET_NOT_FOUND', metadata: { dataset: 'imagenet' } },
    ],
    'other pixels under the same name': [
      () => ask({ refs: refs([0], { datasetDigest: 'abc' }) }),
      { reason: 'DATASET_MISMATCH', metadata: { expected: 'abc' } },
    ],
    'a data set of another image shape': [
      () => ask({ model: 'large' }),
      { reason: 'BATCH_SHAPE' },
    ],
    'an index beyond the split': [
      () => ask({ refs: refs([20]) }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'refs.indices' } },
    ],
    'no split': [
      () => ask({ refs: refs([0], { split: 'SPLIT_UNSPECIFIED' }) }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'refs.split' } },
    ],
    'no augmentation': [
      () =>
        ask({ refs: refs([0], { augmentation: 'AUGMENTATION_UNSPECIFIED' }) }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'refs.augmentation' } },
    ],
    'a batch too large': [
      () => ask({ refs: refs(Array<number>(17).fill(0)) }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'samples' } },
    ],
    'an empty batch': [
      () => ask({ refs: refs([]) }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'samples' } },
    ],
    'no samples': [
      () => ({ outputs }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'samples' } },
    ],
    'pixels too many': [
      () => askPixels([17, 8, 8, 3]),
      { reason: 'INVALID_REQUEST', metadata: { field: 'samples' } },
    ],
    'pixels of another shape': [
      () => askPixels([1, 8, 8, 1]),
      { reason: 'BATCH_SHAPE', metadata: { field: 'pixels' } },
    ],
    'pixels that are floats': [
      () => ({ pixels: toWire(floats), outputs }),
      { reason: 'BATCH_SHAPE', metadata: { field: 'pixels' } },
    ],
    'nothing to put out': [
      () => ask({ outputs: [] }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'outputs' } },
    ],
    'embeddings without a projection': [
      () => ask({ outputs: ['TEACHER_OUTPUT_EMBEDDINGS'] }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'projection' } },
    ],
    'a projection without embeddings': [
      () => ask({ projection }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'projection' } },
    ],
    'a projection to too many dimensions': [
      () =>
        ask({
          outputs: ['TEACHER_OUTPUT_EMBEDDINGS'],
          projection: { seed: 0, featDim: 2049 },
        }),
      { metadata: { field: 'projection.feat_dim' } },
    ],
    'a projection to no dimension': [
      () =>
        ask({
          outputs: ['TEACHER_OUTPUT_EMBEDDINGS'],
          projection: { seed: 0, featDim: 0 },
        }),
      { metadata: { field: 'projection.feat_dim' } },
    ],
    'a precision of maps without maps': [
      () => ask({ mapPrecision: 'DATA_TYPE_FLOAT16' }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'map_precision' } },
    ],
    'maps in a type that is no precision': [
      () =>
        ask({
          ...{ outputs: ['TEACHER_OUTPUT_MAPS'], mapIndices: [0] },
          mapPrecision: 'DATA_TYPE_UINT8',
        }),
      { reason: 'INVALID_REQUEST', metadata: { field: 'map_precision' } },
    ],
    'a priority beyond all': [
      () => ask({ priority: 101 }),
      { metadata: { field: 'priority', value: '101' } },
    ],
    'a client with too long a name': [
      () => ask({ client: 'x'.repeat(257) }),
      { metadata: { field: 'client' } },
    ],
    'a seed that is no exact number here': [
      () => ask({ refs: refs([0], { augmentationSeed: 2 ** 60 }) }),
      { metadata: { field: 'refs.augmentation_seed' } },
    ],
  };
  it.each(Object.entries(cases))('%s', async (_, [request, error]) => {
    await expect(fixture.extract(request())).rejects.toMatchObject(error);
  });
});
