import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeRows, roundRows } from '#distill/precision.js';
import { FifoQueue } from '#distill/queue.js';
import { readQueue } from '#runtime/bank/read-queue.js';
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import {
  BatchShapeError,
  InvalidRequestError,
  QueueConflictError,
} from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { toWire, toWireAs } from '#runtime/rpc/tensor-codec.js';
import type { RunningService } from '#runtime/service.js';
import { toConfig } from './config.js';
import { startMemoryBank } from './service.js';

const spec = {
  ...{ queue: 'q', capacity: 2048, featDim: 128, seed: 3, worldSize: 1 },
  ...{ init: 'QUEUE_INIT_ROWS' as const, teacherDigest: 't' },
  projectionSeed: 0,
};
/** float32 would not fit: rows and a snapshot in two bytes a value. */
const maxBytes = 2 * 2048 * 128 * 2;
const batch = {
  shape: [64, 128],
  data: Float32Array.from({ length: 8192 }, (_, i) => 1 + i / 8192),
};
let bank: RunningService;
let client: RpcClient<'rrd.v1.MemoryBankService'>;

beforeEach(async () => {
  const log = createLogger('test', { level: 'silent' });
  bank = await startMemoryBank(toConfig({ maxBytes }), { log });
  client = connect('rrd.v1.MemoryBankService', bank.address);
});

afterEach(async () => {
  client.close();
  await bank.close();
});

describe('a queue of halves', () => {
  it.each(['float16', 'bfloat16'] as const)(
    'carries %s rows as they are held, in half the bytes',
    async (precision) => {
      const own = { ...spec, precision: toWirePrecision(precision) };
      await client.createQueue({ spec: own, epoch: 1 });
      const { shape, data } = batch;
      const stored = encodeRows(data, precision);
      const ids = {
        ...{ queue: 'q', epoch: 1, teacherDigest: 't' },
        batchId: { runId: 'r', step: 0, rank: 0 },
      };
      // float32, and the other kind of halves.
      const other = precision === 'float16' ? 'bfloat16' : 'float16';
      for (const rows of [
        toWire({ shape, data }),
        toWireAs(other, { shape, data: stored }),
      ]) {
        const call = client.enqueue({ ...ids, rows });
        await expect(call).rejects.toBeInstanceOf(BatchShapeError);
      }
      const rows = toWireAs(precision, { shape, data: stored });
      await client.enqueue({ ...ids, rows });
      const expected = FifoQueue.create({ ...spec, init: 'rows', precision });
      expected.enqueue(roundRows(data, precision));
      const { snapshot } = await readQueue(client, 'q');
      expect(snapshot.version).toBe(expected.version);
      // `toEqual` on a large array takes seconds.
      const bytes = (rows: Float32Array) => Buffer.from(rows.buffer);
      expect(bytes(snapshot.rows).equals(bytes(expected.rows))).toBe(true);
      const received = client.bytes.received;
      for await (const { delta } of client.subscribe({
        ...{ queue: 'q', fromVersion: 0 },
      })) {
        expect(delta?.rows?.data.length).toBe(2 * data.length);
        break;
      }
      const overhead = client.bytes.received - received - 2 * data.length;
      expect(overhead).toBeLessThan(200);
    },
  );

  it('refuses infinities among halves, and halves with a momentum', async () => {
    const precision = 'DATA_TYPE_FLOAT16' as const;
    const own = { ...spec, precision };
    await client.createQueue({ spec: own, epoch: 1 });
    const data = encodeRows(new Float32Array(128).fill(1e6), 'float16');
    const calls = [
      client.enqueue({
        ...{ queue: 'q', epoch: 1, teacherDigest: 't' },
        batchId: { runId: 'r', step: 0, rank: 0 },
        rows: toWireAs('float16', { shape: [1, 128], data }),
      }),
      client.createQueue({
        spec: {
          ...{ ...own, queue: 'm', momentum: 0.5 },
          init: 'QUEUE_INIT_UNIFORM',
        },
      }),
      client.createQueue({ spec: { ...own, precision: 'DATA_TYPE_INT32' } }),
    ];
    for (const call of calls)
      await expect(call).rejects.toBeInstanceOf(InvalidRequestError);
    const same = client.createQueue({ spec, epoch: 1 });
    await expect(same).rejects.toBeInstanceOf(QueueConflictError);
  });
});
