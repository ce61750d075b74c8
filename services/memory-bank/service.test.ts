import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { FifoQueue } from '#distill/queue.js';
import { SampleMemory } from '#distill/sample-memory.js';
import {
  BankBytesError,
  BatchShapeError,
  DrainingError,
  EmbeddingDimError,
  InvalidRequestError,
  QueueNotFoundError,
  StaleEpochError,
  VersionEvictedError,
} from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { connect } from '#runtime/rpc/client.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import { toConfig, type MemoryBankSettings } from './config.js';
import { startMemoryBank } from './service.js';

const log = createLogger('test', { level: 'silent' });
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(settings: MemoryBankSettings = {}) {
  const bank = await startMemoryBank(toConfig(settings), { log });
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  cleanups.push(
    () => bank.close(),
    () => client.close(),
  );
  return { bank, client };
}

type Client = Awaited<ReturnType<typeof start>>['client'];

const spec = {
  queue: 'q',
  capacity: 2048,
  featDim: 128,
  seed: 3,
  init: 'QUEUE_INIT_ROWS' as const,
  worldSize: 1,
  teacherDigest: 't',
  projectionSeed: 0,
};

const create = (client: Client, over: Partial<typeof spec> = {}) =>
  client.createQueue({ spec: { ...spec, ...over }, epoch: 1 });

function rowsOf(step: number, count = 64, featDim = spec.featDim) {
  const data = Float32Array.from(
    { length: count * featDim },
    (_, i) => step + i / 8192,
  );
  return { shape: [count, featDim], data };
}

const enqueue = (client: Client, step: number, rows = rowsOf(step)) =>
  client.enqueue({
    queue: 'q',
    epoch: 1,
    batchId: { runId: 'r', step, rank: 0 },
    teacherDigest: 't',
    rows: toWire(rows),
  });

/** A mirror of the queue as of `version`, read through a subscription. */
async function mirrorAt(client: Client, version: number): Promise<FifoQueue> {
  let rows = new Float32Array();
  let filled = 0;
  let fifo: FifoQueue | undefined;
  let header = { version: 0, pointer: 0 };
  const shape = [null, spec.featDim];
  for await (const message of client.subscribe({ queue: 'q' })) {
    if (message.snapshot?.state) {
      header = message.snapshot.state;
      rows = new Float32Array(spec.capacity * spec.featDim);
    }
    if (message.chunk) {
      const { chunk } = message;
      expect(chunk.rows?.data.byteLength).toBeLessThanOrEqual(512 * 1024);
      const wire = { field: 'chunk', dataType: 'float32', shape } as const;
      const { data } = fromWire(chunk.rows, wire);
      expect(chunk.firstSlot * spec.featDim).toBe(filled);
      rows.set(data, filled);
      filled += data.length;
      if (filled === rows.length) {
        fifo = FifoQueue.restore({ ...header, rows, featDim: spec.featDim });
      }
    }
    if (message.delta) {
      const wire = { field: 'delta', dataType: 'float32', shape } as const;
      const { data } = fromWire(message.delta.rows, wire);
      expect(fifo?.enqueue(data)).toBe(message.delta.version);
    }
    if (fifo?.version === version) return fifo;
  }
  throw new Error('the subscription ended early');
}

describe('subscribe', () => {
  it('gives every reader the same bytes while commits go on', async () => {
    const { client } = await start();
    await create(client);
    const last = 60;
    const mirrors: Promise<FifoQueue>[] = [];
    for (let step = 0; step < last; step++) {
      if (step % 10 === 0) mirrors.push(mirrorAt(client, last));
      await enqueue(client, step);
    }
    const mirrored = await Promise.all(mirrors);
    const expected = FifoQueue.create({ ...spec, init: 'rows' });
    for (let step = 0; step < last; step++) expected.enqueue(rowsOf(step).data);
    for (const mirror of mirrored) expectSame(mirror, expected);
  });

  it('goes on behind a version, or says that it is gone', async () => {
    const { client } = await start({ historyBytes: 4 * 32 * 1024 });
    await create(client);
    for (let step = 0; step < 8; step++) await enqueue(client, step);
    const subscription = client.subscribe({ queue: 'q', fromVersion: 6 });
    const seen: (number | undefined)[] = [];
    for await (const { delta, message } of subscription) {
      expect(message).toBe('delta');
      seen.push(delta?.version);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([7, 8]);
    const read = async (fromVersion: number) => {
      for await (const { message } of client.subscribe({
        queue: 'q',
        fromVersion,
      })) {
        return message;
      }
    };
    const gone = await read(0).catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(VersionEvictedError);
    expect(gone).toMatchObject({
      metadata: { version: '0', oldestVersion: '4' },
    });
    await expect(read(9)).rejects.toBeInstanceOf(InvalidRequestError);
  });

  it('sends the rest of a snapshot, and all since its first part', async () => {
    const { client } = await start();
    await create(client);
    for (let step = 0; step < 3; step++) await enqueue(client, step);
    const read = async (fromVersion?: number, firstSlot = 2000) => {
      const rest = {
        ...{ queue: 'q', firstSlot, runId: 'r' },
        ...(fromVersion !== undefined && { fromVersion }),
      };
      const seen: unknown[] = [];
      for await (const { snapshot, chunk, delta } of client.subscribe(rest)) {
        if (snapshot) seen.push([snapshot.state?.version, snapshot.nextStep]);
        if (chunk) seen.push([chunk.firstSlot, chunk.rows?.shape]);
        if (delta) seen.push(delta.version);
        if (delta?.version === 3) return seen;
      }
      return seen;
    };
    expect(await read(1)).toEqual([[3, 3], [2000, [48, 128]], 2, 3]);
    for (const [field, asked] of [
      ['first_slot', read(1, spec.capacity)],
      ['from_version', read(undefined)],
      ['from_version', read(4)],
    ] as const) {
      await expect(asked).rejects.toMatchObject({
        ...{ reason: 'INVALID_REQUEST', metadata: { field } },
      });
    }
  });

  it('sends heartbeats while nothing is committed', async () => {
    const { client } = await start({ heartbeatMs: 20 });
    await create(client);
    let beats = 0;
    for await (const { heartbeat } of client.subscribe({
      queue: 'q',
      fromVersion: 0,
    })) {
      expect(heartbeat).toEqual({ version: 0 });
      if (++beats === 3) break;
    }
    await eventually(async () => {
      const { state } = await client.getQueue({ queue: 'q' });
      return state?.subscribers === 0;
    });
  });

  it('lets a reader that does not read hold up nobody', async () => {
    const steps = 400; // 12.5 MiB, more than all buffers between the two ends
    const { client } = await start({ historyBytes: 20 * 32 * 1024 });
    await create(client);
    const open = () =>
      client.subscribe({ queue: 'q', fromVersion: 0 })[Symbol.asyncIterator]();
    const [stuck, live] = [open(), open()];
    const firsts = [stuck.next(), live.next()];
    await enqueue(client, 0);
    await Promise.all(firsts);
    for (let step = 1; step < steps; step++) {
      const [seen] = await Promise.all([live.next(), enqueue(client, step)]);
      expect(seen).toMatchObject({ value: { delta: { step } } });
    }
    await live.return?.();
    const drain = async () => {
      while (!(await stuck.next()).done);
    };
    await expect(drain()).rejects.toBeInstanceOf(VersionEvictedError);
  });

  it('ends with the queue, and with the service', async () => {
    const { bank, client } = await start();
    await create(client);
    await create(client, { queue: 'other' });
    const next = (queue: string) => {
      const stream = client.subscribe({ queue, fromVersion: 0 });
      return stream[Symbol.asyncIterator]().next();
    };
    const [deleted, drained] = [next('q'), next('other')];
    const outcomes = Promise.allSettled([deleted, drained]);
    await eventually(async () => {
      const { queues } = await client.listQueues({});
      return queues.every(({ subscribers }) => subscribers === 1);
    });
    expect(await client.deleteQueue({ queue: 'q' })).toEqual({ deleted: true });
    expect(await client.deleteQueue({ queue: 'q' })).toEqual({
      deleted: false,
    });
    await bank.close();
    await bank.close();
    const reasons = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined,
    );
    expect(reasons[0]).toBeInstanceOf(QueueNotFoundError);
    expect(reasons[1]).toBeInstanceOf(DrainingError);
  });
});

function joined(parts: readonly Float32Array[]): Float32Array {
  const bytes = parts.map((part) => new Uint8Array(part.slice().buffer));
  return new Float32Array(new Uint8Array(Buffer.concat(bytes)).buffer);
}

describe('a memory of all samples', () => {
  it('is moved, read by slot and followed', async () => {
    const { client } = await start();
    const init = 'QUEUE_INIT_UNIFORM' as const;
    const memory = { ...spec, init, momentum: 0.25 };
    await client.createQueue({ spec: memory, epoch: 1 });
    const read = { field: 'rows', dataType: 'float32' } as const;
    const gather = async (slots: number[]) => {
      const got: Float32Array[] = [];
      for await (const { rows } of client.gatherRows({ queue: 'q', slots })) {
        const shape = [null, spec.featDim];
        if (rows) got.push(fromWire(rows, { ...read, shape }).data);
      }
      return joined(got);
    };
    const own = SampleMemory.create(spec);
    const slots = [2047, 0, 5];
    const rows = rowsOf(0, 3);
    const batch = {
      ...{ queue: 'q', epoch: 1, teacherDigest: 't', rows: toWire(rows) },
      batchId: { runId: 'r', step: 0, rank: 0 },
    };
    await expect(client.enqueue(batch)).rejects.toBeInstanceOf(BatchShapeError);
    await client.enqueue({ ...batch, slots });
    const moved = own.move(slots, rows.data, 0.25);
    expect(await gather(slots)).toEqual(moved);
    // Of more than one message, and a slot as often as it is asked for.
    const many = Array.from({ length: 3000 }, (_, i) => i % 2048);
    const again = own.rows.slice(0, 952 * spec.featDim);
    expect(await gather(many)).toEqual(joined([own.rows, again]));
    await expect(gather([2048])).rejects.toBeInstanceOf(InvalidRequestError);
    for await (const { delta } of client.subscribe({
      ...{ queue: 'q', fromVersion: 0 },
    })) {
      expect(delta).toMatchObject({ version: 1, slots });
      const shape = [null, spec.featDim];
      const { data } = fromWire(delta!.rows, { ...read, shape });
      expect(data).toEqual(moved);
      break;
    }
  });
});

describe('what a request must be', () => {
  it('says which field is wrong', async () => {
    const { client } = await start({ maxBytes: 4 * 2 ** 20 });
    await create(client);
    const nan = rowsOf(0);
    nan.data[7] = NaN;
    const failures = await Promise.allSettled([
      enqueue(client, 0, nan),
      enqueue(client, 0, rowsOf(0, 64, 64)),
      enqueue(client, 0, { shape: [0, 128], data: new Float32Array() }),
      enqueue(client, 0, { shape: [2, 128], data: new Float32Array(255) }),
      client.createQueue({ epoch: 1 }),
      create(client, { queue: 'z', capacity: 0 }),
      create(client, { queue: 'z', capacity: 2 ** 32 - 1 }),
      client.enqueue({ queue: 'none', batchId: { runId: 'r' } }),
      client.createQueue({
        spec: { ...spec, init: 'QUEUE_INIT_UNSPECIFIED' },
        epoch: 1,
      }),
    ]);
    const classes = failures.map((failure) =>
      failure.status === 'rejected' ? (failure.reason as Error).name : 'none',
    );
    expect(classes).toEqual([
      InvalidRequestError.name,
      EmbeddingDimError.name,
      BatchShapeError.name,
      BatchShapeError.name,
      InvalidRequestError.name,
      InvalidRequestError.name,
      BankBytesError.name,
      QueueNotFoundError.name,
      InvalidRequestError.name,
    ]);
  });
});

describe('restore', () => {
  async function* restoration(epoch: number, rows: Float32Array) {
    const header = { spec, epoch, version: 40, pointer: 17, nextStep: 40 };
    yield { header };
    for (let slot = 0; slot < rows.length / 128; slot += 1000) {
      const data = rows.subarray(slot * 128, (slot + 1000) * 128);
      yield { chunk: toWire({ shape: [data.length / 128, 128], data }) };
    }
  }

  it('replaces an older queue, all or nothing', async () => {
    const { client } = await start();
    await create(client);
    const rows = rowsOf(0, spec.capacity).data;
    const short = restoration(2, rows.subarray(128));
    const long = restoration(2, rowsOf(0, spec.capacity + 1).data);
    await expect(client.restoreQueue(short)).rejects.toBeInstanceOf(
      BatchShapeError,
    );
    await expect(client.restoreQueue(long)).rejects.toBeInstanceOf(
      BatchShapeError,
    );
    expect((await client.getQueue({ queue: 'q' })).state?.epoch).toBe(1);
    const { state } = await client.restoreQueue(restoration(2, rows));
    expect(state).toMatchObject({ epoch: 2, version: 40, nextStep: 40 });
    expectSame(
      await mirrorAt(client, 40),
      FifoQueue.restore({ rows, featDim: 128, pointer: 17, version: 40 }),
    );
    await expect(enqueue(client, 40)).rejects.toBeInstanceOf(StaleEpochError);
    await expect(
      client.restoreQueue(restoration(1, rows)),
    ).rejects.toBeInstanceOf(StaleEpochError);
  });
});

/** Byte for byte; `toEqual` on a large array takes seconds. */
function expectSame(actual: FifoQueue, expected: FifoQueue): void {
  expect([actual.version, actual.pointer]).toEqual([
    expected.version,
    expected.pointer,
  ]);
  const bytes = ({ rows }: FifoQueue) => Buffer.from(rows.buffer);
  expect(bytes(actual).equals(bytes(expected))).toBe(true);
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await check()) return;
    await sleep(10);
  }
  throw new Error('it did not happen within 2 s');
}
