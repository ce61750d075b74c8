import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatasets } from '#runtime/data/index.js';
import { createLogger } from '#runtime/logger.js';
import { packageRoot } from '#runtime/paths.js';
import { connect } from '#runtime/rpc/client.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import { toConfig } from '../../services/teacher/config.js';
import { startTeacher } from '../../services/teacher/service.js';
import { testEngine } from '../engine.js';
import { makeWorld } from '../world.js';

/** A stock client of the Open Inference Protocol, in Python. */

const python = '/usr/bin/python3';
const present =
  spawnSync(python, ['-c', 'import grpc, google.protobuf']).status === 0;
if (!present) {
  console.warn(
    'SKIPPED: the Open Inference Protocol, since the Debian package ' +
      'python3-grpcio is not installed',
  );
}

interface Output {
  readonly datatype: string;
  readonly shape: number[];
  readonly values: number[];
}
type Outputs = Readonly<Record<string, Output>>;

interface Seen {
  readonly pixels: number[];
  readonly raw: { id: string; digest: string; outputs: Outputs };
  readonly typed: Outputs;
  readonly embedded: Outputs;
  readonly streamed: [failed: boolean, id: string, outputs: Outputs][];
  readonly refused: string;
}

const shape = [2, 8, 8, 3];

describe.skipIf(!present)('a stock client of KServe and Triton', () => {
  const log = createLogger('test', { level: 'silent' });
  const cleanups: (() => PromiseLike<void>)[] = [];
  let seen: Seen;
  let own: Record<'features' | 'logits' | 'embeddings', number[]>;
  let digest: string;

  /** What our own contract says to the same questions. */
  async function askOurselves(address: string, datasetDigest: string) {
    const client = connect('rrd.v1.TeacherService', address);
    const pixels = toWire({ shape, data: Uint8Array.from(seen.pixels) });
    const both = await client.extract({
      ...{ model: 'teacher', pixels },
      outputs: ['TEACHER_OUTPUT_FEATURES', 'TEACHER_OUTPUT_LOGITS'],
    });
    const refs = {
      ...{ dataset: 'tiny', datasetDigest, indices: [0, 1, 2, 3] },
      split: 'SPLIT_TRAIN' as const,
      augmentation: 'AUGMENTATION_CROP_FLIP' as const,
      ...{ augmentationSeed: 5, epoch: 1 },
    };
    const { embeddings } = await client.extract({
      ...{ model: 'teacher', refs },
      outputs: ['TEACHER_OUTPUT_EMBEDDINGS'],
      projection: { seed: 9, featDim: 8 },
    });
    client.close();
    digest = both.teacherDigest;
    const read = (field: string, tensor: typeof embeddings) => [
      ...fromWire(tensor, { field, dataType: 'float32' }).data,
    ];
    own = {
      features: read('features', both.features),
      logits: read('logits', both.logits),
      embeddings: read('embeddings', embeddings),
    };
  }

  beforeAll(async () => {
    const world = await makeWorld();
    cleanups.push(() => world[Symbol.asyncDispose]());
    const { datasets, modelsDir } = world;
    const { digest: datasetDigest } = await openDatasets(datasets).get('tiny');
    const teacher = await startTeacher(
      toConfig({ datasets, modelsDir, engine: testEngine }),
      { log },
    );
    cleanups.push(() => teacher.close());
    const script = join(packageRoot, 'test/integration/inference-client.py');
    const args = [script, teacher.address, 'teacher', 'tiny', datasetDigest];
    const { stdout } = await promisify(execFile)(python, args);
    seen = JSON.parse(stdout) as Seen;
    await askOurselves(teacher.address, datasetDigest);
  }, 120_000);
  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  it('learns what there is', () => {
    expect(seen).toMatchObject({
      ...{ live: true, ready: true, server: 'rrd' },
      ...{ modelReady: true, otherReady: false },
      inputs: [['images', 'UINT8', [-1, 8, 8, 3]]],
      outputs: [
        ['features', 'FP32', [-1, 64]],
        ['logits', 'FP32', [-1, 4]],
      ],
    });
  });

  it('gets what our own contract gives, raw and typed', () => {
    const { raw, typed } = seen;
    expect(raw).toMatchObject({ id: 'r', digest });
    expect(raw.outputs).toEqual({
      features: { datatype: 'FP32', shape: [2, 64], values: own.features },
      logits: { datatype: 'FP32', shape: [2, 4], values: own.logits },
    });
    const { logits } = raw.outputs;
    expect(typed).toEqual({ logits });
  });

  it('may name samples, and have features projected', () => {
    const { embeddings: values } = own;
    expect(seen.embedded).toEqual({
      embeddings: { datatype: 'FP32', shape: [4, 8], values },
    });
  });

  it('streams: in order, and past a request that fails', () => {
    const { features, logits } = seen.raw.outputs;
    expect(seen.streamed).toEqual([
      [false, '0', { features, logits }],
      [true, '1', {}],
      [false, '2', { logits }],
    ]);
    expect(seen.refused).toBe('INVALID_ARGUMENT');
  });
});
