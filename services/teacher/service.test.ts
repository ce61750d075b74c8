import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyView, viewOf } from '#distill/data/augment.js';
import { normalize } from '#distill/data/normalize.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { embed, projectionFor } from '#distill/projection.js';
import { createEngine } from '#runtime/compute/index.js';
import { connect } from '#runtime/rpc/client.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import {
  imageBytes,
  maxBatchSize,
  network,
  normalization,
  projection,
  shape,
  startFixture,
  weights,
  type Fixture,
} from './service.test-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(() => fixture.close());

const embeddings = (indices: number[], signal?: AbortSignal, from = fixture) =>
  from.extract(
    {
      refs: from.refs(indices),
      outputs: ['TEACHER_OUTPUT_EMBEDDINGS'],
      projection,
    },
    signal,
  );

/** The views that `refs` asks for, uint8 [N, H, W, C]. */
async function viewsOf(indices: number[]): Promise<Uint8Array> {
  const stored = await fixture.dataset.split('train').images(indices);
  const out = new Uint8Array(stored.length);
  indices.forEach((index, row) => {
    const [start, end] = [row * imageBytes, (row + 1) * imageBytes];
    const view = viewOf(11, 2, index);
    const image = stored.subarray(start, end);
    applyView(image, shape, view, out.subarray(start, end));
  });
  return out;
}

/** What the maths says, with no service around it. */
async function expected(images: Uint8Array) {
  const count = images.length / imageBytes;
  const engine = await createEngine('cpu');
  const program = createForwardProgram(network, shape, count);
  const executable = await engine.compile(program, weights);
  const data = normalize(images, normalization);
  const outputs = await executable.run({
    images: { shape: [count, ...shape], data },
  });
  const { features, logits } = outputs;
  const fixed = projectionFor(projection.seed, network.featureDim, 5);
  return { features, logits, embeddings: embed(features!, fixed) };
}

describe('Describe', () => {
  it('tells what the model is', async () => {
    const description = await fixture.client.describe({ model: 'small' });
    expect(description).toMatchObject({
      model: 'small',
      network: 'resnet8',
      featureDim: 64,
      classCount: 4,
      imageShape: [8, 8, 3],
      engine: expect.stringMatching(/^cpu \(/) as string,
      teacherDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      maxBatchSize,
    });
  });

  it('compares the data set that references are going to name', async () => {
    const { dataset = '', datasetDigest = '' } = fixture.refs([0]);
    const ask = (fields: object) =>
      fixture.client.describe({
        ...{ model: 'small', dataset, datasetDigest },
        ...fields,
      });
    await expect(ask({})).resolves.toMatchObject({ model: 'small' });
    const mismatch = { reason: 'DATASET_MISMATCH' };
    await expect(ask({ datasetDigest: '0' })).rejects.toMatchObject(mismatch);
    const unknown = { reason: 'DATASET_NOT_FOUND' };
    await expect(ask({ dataset: 'imagenet' })).rejects.toMatchObject(unknown);
  });
});

describe('Extract', () => {
  it('gives the bits of the maths, only for what was asked', async () => {
    const indices = [3, 19, 0, 3];
    const { features, logits, embeddings } = await expected(
      await viewsOf(indices),
    );
    const all = await fixture.extract({
      refs: fixture.refs(indices),
      outputs: [
        'TEACHER_OUTPUT_FEATURES',
        'TEACHER_OUTPUT_LOGITS',
        'TEACHER_OUTPUT_EMBEDDINGS',
      ],
      projection,
    });
    const read = (field: 'features' | 'logits' | 'embeddings') =>
      fromWire(all[field], { field, dataType: 'float32' });
    expect(read('features')).toEqual(features);
    expect(read('logits')).toEqual(logits);
    expect(read('embeddings')).toEqual(embeddings);
    const { teacherDigest } = await fixture.client.describe({ model: 'small' });
    const some = await fixture.extract({
      teacherDigest,
      refs: fixture.refs(indices),
      outputs: ['TEACHER_OUTPUT_LOGITS'],
    });
    expect(some).toEqual({
      teacherDigest,
      logits: all.logits,
      features: null,
      embeddings: null,
      similarities: null,
      maps: [],
      preactivations: [],
    });
  });

  it('takes pixels as well as references', async () => {
    const indices = [1, 2];
    const data = await viewsOf(indices);
    const outputs = ['TEACHER_OUTPUT_FEATURES'] as const;
    const byRefs = await fixture.extract({
      refs: fixture.refs(indices),
      outputs: [...outputs],
    });
    const pixels = toWire({ shape: [2, ...shape], data });
    const byPixels = await fixture.extract({ pixels, outputs: [...outputs] });
    expect(byPixels).toEqual(byRefs);
  });

  it('evaluates stored images of the test split', async () => {
    const images = await fixture.dataset.split('test').images([4]);
    const { logits } = await expected(images);
    const answer = await fixture.extract({
      refs: fixture.refs([4], {
        split: 'SPLIT_TEST',
        augmentation: 'AUGMENTATION_NONE',
      }),
      outputs: ['TEACHER_OUTPUT_LOGITS'],
    });
    const field = { field: 'logits', dataType: 'float32' } as const;
    expect(fromWire(answer.logits, field)).toEqual(logits);
  });

  it('gives a sample the same bits at any size and among any mates', async () => {
    const alone = (await embeddings([5])).embeddings!.data;
    const rowBytes = alone.length;
    for (const mates of [
      [],
      [1],
      [0, 1, 2, 3, 4, 6, 7],
      [...Array(15).keys()],
    ]) {
      const { data } = (await embeddings([...mates, 5])).embeddings!;
      const start = mates.length * rowBytes;
      expect(data.subarray(start, start + rowBytes)).toEqual(alone);
    }
  });

  it('computes requests of several clients together', async () => {
    // On a clock that stands still only a full batch is ever computed.
    const still = { nowMs: () => 0, after: () => () => undefined };
    const slow = await startFixture({}, still);
    const other = connect('rrd.v1.TeacherService', slow.address);
    const mine = [0, 1, 2, 3, 4, 5, 6, 7];
    const theirs = [8, 9, 10, 11, 12, 13, 14, 15];
    const [a, b] = await Promise.all([
      embeddings(mine, undefined, slow),
      other.extract({
        model: 'small',
        refs: slow.refs(theirs),
        outputs: ['TEACHER_OUTPUT_EMBEDDINGS'],
        projection,
      }),
    ]);
    other.close();
    await slow.close();
    expect(a).toEqual(await embeddings(mine));
    expect(b).toEqual(await embeddings(theirs));
  });

  it('gives the same bits from every thread', async () => {
    const two = await startFixture({ instances: 2, maxQueueDelayMs: 0 });
    const indices = [0, 1, 2, 3, 4, 5, 6, 7];
    const answers = await Promise.all(
      indices.map((index) => embeddings([index], undefined, two)),
    );
    await two.close();
    const expected = indices.map((index) => embeddings([index]));
    expect(answers).toEqual(await Promise.all(expected));
  });

  it('ends at once when the caller gives up', async () => {
    const cancel = new AbortController();
    const call = embeddings([0], cancel.signal);
    cancel.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});
