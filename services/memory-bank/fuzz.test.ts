import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainError } from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import type { RunningService } from '#runtime/service.js';
import { toConfig } from './config.js';
import { startMemoryBank } from './service.js';

const log = createLogger('test', { level: 'silent' });
let bank: RunningService;
let client: RpcClient<'rrd.v1.MemoryBankService'>;

beforeAll(async () => {
  const settings = { maxBytes: 2 ** 20, maxQueues: 4, maxPendingSteps: 8 };
  bank = await startMemoryBank(toConfig(settings), { log });
  client = connect('rrd.v1.MemoryBankService', bank.address);
});

afterAll(async () => {
  client.close();
  await bank.close();
});

const name = fc.constantFrom('a', 'b', '', 'x'.repeat(257), '../../etc');
const small = fc.nat(6);
const uint32 = fc.oneof(small, fc.constantFrom(2 ** 31, 2 ** 32 - 1));
const uint64 = fc.oneof(small, fc.constantFrom(2 ** 53, Number.MAX_VALUE));
const dataType = fc.constantFrom(
  'DATA_TYPE_FLOAT32' as const,
  'DATA_TYPE_INT32' as const,
  'DATA_TYPE_FLOAT16' as const,
  'DATA_TYPE_UNSPECIFIED' as const,
);
/** Mostly shapes and bytes that do not belong together. */
const tensor = fc.record({
  shape: fc.array(fc.oneof(small, fc.constant(2 ** 30)), { maxLength: 3 }),
  dataType,
  data: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
});
const slots = fc.array(uint32, { maxLength: 4 });
const spec = fc.record(
  {
    queue: name,
    capacity: uint32,
    featDim: uint32,
    seed: uint64,
    init: fc.constantFrom(
      'QUEUE_INIT_ROWS' as const,
      'QUEUE_INIT_UNIFORM' as const,
      'QUEUE_INIT_UNSPECIFIED' as const,
    ),
    worldSize: uint32,
    teacherDigest: name,
    projectionSeed: uint64,
    precision: dataType,
    momentum: fc.constantFrom(0, 0.5, 1, -1, NaN, Infinity),
    shared: fc.boolean(),
  },
  { requiredKeys: [] },
);
const header = fc.record(
  {
    spec,
    epoch: uint64,
    version: uint64,
    pointer: uint32,
    nextStep: uint64,
  },
  { requiredKeys: [] },
);
const restoring = fc.array(
  fc.oneof(
    header.map((header) => ({ header })),
    tensor.map((chunk) => ({ chunk })),
    fc.constant({}),
  ),
  { maxLength: 4 },
);
const batchId = fc.record({ runId: name, step: uint64, rank: uint32 });
const batch = fc.record(
  {
    ...{ queue: name, epoch: uint64, batchId, teacherDigest: name },
    ...{ rows: tensor, slots, projectionSeed: uint64 },
  },
  { requiredKeys: [] },
);

const member = fc.record(
  { runId: name, epoch: uint64, nextStep: uint64 },
  { requiredKeys: [] },
);

/** Queues that calls may find: one of each kind. */
const sound = fc.constantFrom(
  { queue: 'a', init: 'QUEUE_INIT_ROWS' as const },
  { queue: 'b', init: 'QUEUE_INIT_UNIFORM' as const, momentum: 0.5 },
);
const joining = fc.record({
  runId: fc.constantFrom('x', 'y', ''),
  epoch: fc.nat(2),
  nextStep: fc.nat(3),
});
const common = {
  ...{ capacity: 4, featDim: 2, worldSize: 2, teacherDigest: 'a' },
  ...{ seed: 0, projectionSeed: 0 },
};
/** Batches that may fit them, in most of what they are. */
const fitting = fc
  .record({
    queue: fc.constantFrom('a', 'b', 'c'),
    batchId: fc.record({
      runId: fc.oneof(name, fc.constant('x')),
      step: fc.nat(9),
      rank: fc.nat(2),
    }),
    count: fc.nat(3),
    width: fc.constantFrom(2, 2, 2, 3),
    value: fc.constantFrom(0, 1, -3, NaN),
    slots,
  })
  .map(({ count, width, value, ...rest }) => ({
    ...{ ...rest, epoch: 1, teacherDigest: 'a' },
    rows: toWire({
      shape: [count, width],
      data: new Float32Array(count * width).fill(value),
    }),
  }));

/** A call of anything, with anything. */
const call = fc.oneof(
  fc
    .record({ spec, epoch: uint64, member }, { requiredKeys: [] })
    .map((request) => () => client.createQueue(request)),
  sound.map((own) => {
    const spec = { ...common, ...own };
    return () => client.createQueue({ spec, epoch: 1 });
  }),
  joining.map((member) => {
    const own = { queue: 'c', init: 'QUEUE_INIT_ROWS' as const, shared: true };
    const spec = { ...common, ...own };
    return () => client.createQueue({ spec, member });
  }),
  batch.map((request) => () => client.enqueue(request)),
  fitting.map((request) => () => client.enqueue(request)),
  restoring.map((messages) => () => client.restoreQueue(streamOf(messages))),
  fc.record({ queue: name, slots }).map((request) => async () => {
    for await (const message of client.gatherRows(request)) void message;
  }),
  fc
    .record(
      { queue: name, fromVersion: uint64, firstSlot: uint32, runId: name },
      { requiredKeys: ['queue'] },
    )
    .map((request) => async () => {
      const messages = client.subscribe(request)[Symbol.asyncIterator]();
      await messages.next();
      await messages.return?.();
    }),
  name.map((queue) => () => client.getQueue({ queue })),
  name.map((queue) => () => client.getQueueHealth({ queue })),
  fc
    .record(
      { queue: name, epoch: uint64, runId: fc.constantFrom('', 'x', 'y') },
      { requiredKeys: ['queue'] },
    )
    .map((request) => () => client.deleteQueue(request)),
);

async function* streamOf<T>(messages: readonly T[]): AsyncGenerator<T> {
  yield* messages;
}

describe('the RPCs of the bank', () => {
  it('answer anything, or refuse it with an error that says what was wrong', async () => {
    const reasons = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(call, async (make) => {
        const error: unknown = await make().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (error === undefined) return;
        expect(error).toBeInstanceOf(DomainError);
        const { reason } = error as DomainError;
        expect(reason).not.toBe('INTERNAL');
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }),
      { numRuns: 1500 },
    );
    // It did get further than the first check.
    expect([...reasons.keys()]).toEqual(
      expect.arrayContaining([
        ...['INVALID_REQUEST', 'QUEUE_NOT_FOUND'],
        ...['BATCH_SHAPE', 'EMBEDDING_DIM', 'RUN_NOT_JOINED'],
      ]),
    );
    const { queues } = await client.listQueues({});
    for (const { spec } of queues) {
      await client.deleteQueue({ queue: spec!.queue });
    }
  }, 60_000);

  it('and serve the next caller as if nothing had been', async () => {
    const spec = {
      ...{ queue: 'after', capacity: 8, featDim: 2, seed: 1, worldSize: 1 },
      ...{ teacherDigest: 't', init: 'QUEUE_INIT_ROWS' as const },
    };
    await client.createQueue({ spec, epoch: 1 });
    await client.enqueue({
      ...{ queue: 'after', epoch: 1, teacherDigest: 't' },
      batchId: { runId: 'r', step: 0, rank: 0 },
      rows: toWire({ shape: [1, 2], data: Float32Array.of(1, 2) }),
    });
    const { state } = await client.getQueue({ queue: 'after' });
    expect(state).toMatchObject({ version: 1, pointer: 1 });
  });
});
