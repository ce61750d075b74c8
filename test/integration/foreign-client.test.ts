import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FifoQueue } from '#distill/queue.js';
import { openDatasets } from '#runtime/data/index.js';
import { createLogger } from '#runtime/logger.js';
import { packageRoot } from '#runtime/paths.js';
import { connect } from '#runtime/rpc/client.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import { toConfig as toBankConfig } from '../../services/memory-bank/config.js';
import { startMemoryBank } from '../../services/memory-bank/service.js';
import { toConfig as toTeacherConfig } from '../../services/teacher/config.js';
import { startTeacher } from '../../services/teacher/service.js';
import { makeWorld } from '../world.js';

/** A client in Python that has nothing of ours but the .proto files. */

const python = '/usr/bin/python3';
const present =
  spawnSync(python, ['-c', 'import grpc, google.protobuf']).status === 0;
if (!present) {
  console.warn(
    'SKIPPED: the foreign gRPC client, since the Debian package ' +
      'python3-grpcio is not installed',
  );
}

interface Outcome {
  bank: {
    duplicate: boolean;
    snapshotVersion: number;
    snapshot: number[];
    deltaVersion: number;
    delta: number[];
    errors: object[];
  };
  teacher: { shape: number[]; embeddings: number[] };
}

const run = promisify(execFile);

/** Compiles our protos into a FileDescriptorSet. */
async function compileProtos(path: string): Promise<void> {
  const buf = join(packageRoot, 'node_modules/.bin/buf');
  await run(buf, ['build', 'proto', '-o', path], { cwd: packageRoot });
}

/** The embeddings that our own client gets for the same request. */
async function ownEmbeddings(
  address: string,
  dataset: string,
  datasetDigest: string,
): Promise<number[]> {
  const client = connect('rrd.v1.TeacherService', address);
  const { embeddings } = await client.extract({
    model: 'teacher',
    refs: {
      dataset,
      datasetDigest,
      split: 'SPLIT_TRAIN',
      indices: [0, 1, 2, 3],
      augmentation: 'AUGMENTATION_CROP_FLIP',
      augmentationSeed: 5,
      epoch: 1,
    },
    outputs: ['TEACHER_OUTPUT_EMBEDDINGS'],
    projection: { seed: 9, featDim: 8 },
  });
  client.close();
  const expected = { field: 'embeddings', dataType: 'float32' } as const;
  return [...fromWire(embeddings, expected).data];
}

describe.skipIf(!present)('a foreign gRPC client', () => {
  const log = createLogger('test', { level: 'silent' });
  const cleanups: (() => PromiseLike<void>)[] = [];
  let outcome: Outcome;
  let own: number[];

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rrd-python-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const descriptors = join(folder, 'rrd.binpb');
    await compileProtos(descriptors);
    const world = await makeWorld();
    cleanups.push(() => world[Symbol.asyncDispose]());
    const { datasets, modelsDir } = world;
    const { digest } = await openDatasets(datasets).get('tiny');
    const bank = await startMemoryBank(toBankConfig(), { log });
    cleanups.push(() => bank.close());
    const teacher = await startTeacher(
      toTeacherConfig({ datasets, modelsDir, engine: 'cpu' }),
      { log },
    );
    cleanups.push(() => teacher.close());
    own = await ownEmbeddings(teacher.address, 'tiny', digest);
    const script = join(packageRoot, 'test/integration/foreign-client.py');
    const args = [descriptors, bank.address, teacher.address, 'tiny', digest];
    const { stdout } = await run(python, [script, ...args]);
    outcome = JSON.parse(stdout) as Outcome;
  }, 120_000);
  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  it('enqueues, and reads a snapshot and a delta', () => {
    const queue = FifoQueue.create({
      capacity: 4,
      featDim: 3,
      seed: 1,
      init: 'rows',
    });
    queue.enqueue(Float32Array.of(1, 2, 3));
    expect(outcome.bank).toMatchObject({
      duplicate: true,
      snapshotVersion: 1,
      snapshot: [...queue.rows],
      deltaVersion: 2,
      delta: [4, 5, 6, 7, 8, 9],
    });
  });

  it('reads why a call failed', () => {
    expect(outcome.bank.errors).toEqual([
      {
        code: 'ALREADY_EXISTS',
        reason: 'BATCH_CONFLICT',
        domain: 'rrd',
        metadata: { batchId: '(run py, step 0, rank 0)' },
        hasRetryInfo: false,
      },
      {
        code: 'RESOURCE_EXHAUSTED',
        reason: 'BANK_BACKLOG',
        domain: 'rrd',
        metadata: { pendingSteps: '9998' },
        hasRetryInfo: true,
      },
    ]);
  });

  it('gets the same embeddings from a teacher as our own client', () => {
    expect(outcome.teacher.shape).toEqual([4, 8]);
    expect(outcome.teacher.embeddings).toEqual(own);
    const norm = Math.hypot(...outcome.teacher.embeddings.slice(0, 8));
    expect(norm).toBeCloseTo(1, 5);
  });
});
