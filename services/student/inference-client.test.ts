import { afterEach, describe, expect, it } from 'vitest';
import { normalize } from '#distill/data/normalize.js';
import { embed, projectionFor } from '#distill/projection.js';
import { createLogger } from '#runtime/logger.js';
import { startServer, type Handlers } from '#runtime/rpc/server.js';
import { InferenceClient } from './inference-client.js';
import type { TeacherTask } from './teacher-service-client.js';

type Server = Handlers<'inference.GRPCInferenceService'>;

const imageShape = [2, 2, 3] as const;
const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };
const pixels = {
  shape: [2, ...imageShape],
  data: Uint8Array.from({ length: 24 }, (_, i) => 10 * i),
};
const task: TeacherTask = {
  ...{ client: 'test', model: 'vgg' },
  dataset: {
    name: 'd',
    digest: 'x',
    imageShape: [...imageShape],
    normalization,
  },
  views: { seed: 1, augmentation: 'none' },
  maps: false,
  mapPrecision: 'float32' as const,
  projection: { seed: 3, featDim: 4 },
  pixelsOf: () => Promise.resolve(pixels),
  onPixels: () => undefined,
};
const settings = { features: 'pool', logits: 'fc', maxBatchSize: 32 };
const options = { deadlineMs: 5_000 };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const unused = () => {
  throw new Error('not part of this test');
};

/**
 * A server as Triton is one: images FP32 [N, C, H, W], names of its own, no
 * digest. Its features are the first two values of each channel.
 */
function triton(input: { datatype: string; shape: number[] }): Server {
  return {
    serverLive: unused,
    serverReady: unused,
    serverMetadata: unused,
    modelReady: unused,
    modelStreamInfer: unused,
    modelMetadata: async ({ name }) => ({
      name,
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', ...input }],
    }),
    async modelInfer({ outputs, inputs, rawInputContents }) {
      const raw = rawInputContents[0]!;
      const values = new Float32Array(new Uint8Array(raw).buffer);
      const count = inputs[0]!.shape[0]!;
      const rows = Float32Array.from({ length: count * 6 }, (_, i) => {
        const [row, column] = [Math.floor(i / 6), i % 6];
        return values[row * 12 + Math.floor(column / 2) * 4 + (column % 2)]!;
      });
      const tensors = outputs.map(({ name }) => ({
        ...{ name, datatype: 'FP32', shape: [count, 6] },
      }));
      const buffer = Buffer.from(rows.buffer);
      return {
        outputs: tensors,
        rawOutputContents: tensors.map(() => buffer),
      };
    },
  };
}

async function open(
  input: { datatype: string; shape: number[] },
  changes: Partial<TeacherTask> = {},
) {
  const server = await startServer({
    name: 'triton',
    handlers: { 'inference.GRPCInferenceService': triton(input) },
    listen: {},
    log: createLogger('test', { level: 'silent' }),
  });
  const { address } = server;
  const asked = { ...task, ...changes };
  const client = new InferenceClient(asked, settings, address, undefined);
  closers.push(
    () => server.close(),
    () => client.close(),
  );
  return client;
}

const batch = { split: 'train', indices: [4, 5], epoch: 1 } as const;

describe('InferenceClient', () => {
  it('normalises, puts channels first, and projects by itself', async () => {
    const client = await open({ datatype: 'FP32', shape: [-1, 3, 2, 2] });
    const description = await client.describe(options);
    expect(description).toMatchObject({
      ...{ featureDim: 6, classCount: 6, maxBatchSize: 32 },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    const wanted = new Set(['features', 'logits', 'embeddings'] as const);
    const answer = await client.extract(batch, wanted, options);
    const nhwc = normalize(pixels.data, normalization);
    const data = Float32Array.from({ length: 12 }, (_, i) => {
      const [row, column] = [Math.floor(i / 6), i % 6];
      const [channel, place] = [Math.floor(column / 2), column % 2];
      return nhwc[row * 12 + place * 3 + channel]!;
    });
    const features = { shape: [2, 6], data };
    expect(answer.features).toEqual(features);
    expect(answer.logits).toEqual(features);
    const projection = projectionFor(3, 6, 4);
    expect(answer.embeddings).toEqual(embed(features, projection));
  });

  it('takes the same server for the same teacher', async () => {
    const input = { datatype: 'FP32', shape: [-1, 3, 2, 2] };
    const [a, b] = [await open(input), await open(input)];
    const first = await a.describe(options);
    expect(await b.describe(options)).toEqual(first);
  });

  it.each([
    { datatype: 'FP32', shape: [-1, 3, 8, 8] },
    { datatype: 'FP64', shape: [-1, 2, 2, 3] },
    { datatype: 'BYTES', shape: [-1] },
  ])('refuses a model that takes $datatype $shape', async (input) => {
    const client = await open(input);
    await expect(client.describe(options)).rejects.toMatchObject({
      reason: 'BATCH_SHAPE',
      metadata: { field: 'inputs of vgg' },
    });
  });

  it('refuses a run that reads maps, which the protocol does not carry', async () => {
    const input = { datatype: 'FP32', shape: [-1, 3, 2, 2] };
    const client = await open(input, { maps: true });
    await expect(client.describe(options)).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      metadata: { field: 'teacherProtocol', value: 'kserve' },
    });
  });
});
