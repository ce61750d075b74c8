import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  BankBacklogError,
  BankBytesError,
  DeadlineExceededError,
  InternalError,
  QueueNotFoundError,
  RemoteError,
  ServiceUnavailableError,
} from '../errors.js';
import { createLogger } from '../logger.js';
import { connect } from './client.js';
import type { Call } from './contract.js';
import {
  cleanups,
  failureOf,
  gone,
  serve,
  type Bank,
} from './serve.test-fixture.js';

describe('messages', () => {
  it('of 5 MiB go both ways, unary and in streams', async () => {
    const data = Buffer.alloc(5 * 2 ** 20, 7);
    const { client } = await serve({
      enqueue: async ({ rows }) => ({
        duplicate: rows?.data.equals(data) === true,
      }),
      async *subscribe() {
        for (let version = 1; version <= 3; version++) {
          yield { delta: { version, rows: { data } } };
        }
      },
      async restoreQueue(requests) {
        let nextStep = 0;
        for await (const { chunk } of requests) {
          if (chunk?.data.equals(data)) nextStep++;
        }
        return { state: { nextStep } };
      },
    });
    expect(await client.enqueue({ rows: { data } })).toEqual({
      duplicate: true,
    });
    const versions: (number | undefined)[] = [];
    for await (const { delta } of client.subscribe({})) {
      expect(delta?.rows?.data.equals(data)).toBe(true);
      versions.push(delta?.version);
    }
    expect(versions).toEqual([1, 2, 3]);
    async function* chunks() {
      for (let i = 0; i < 3; i++) yield { chunk: { data } };
    }
    const { state } = await client.restoreQueue(chunks());
    expect(state?.nextStep).toBe(3);
    expect(client.bytes.sent).toBeGreaterThan(20 * 2 ** 20);
    expect(client.bytes.received).toBeGreaterThan(15 * 2 ** 20);
  });

  it('over 64 MiB are refused', async () => {
    const { client } = await serve({});
    const data = Buffer.alloc(65 * 2 ** 20);
    const error = await failureOf(client.enqueue({ rows: { data } }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ metadata: { code: 'RESOURCE_EXHAUSTED' } });
  });
});

describe('errors', () => {
  it('arrive as the class that was thrown, with its fields', async () => {
    const { client } = await serve({
      async getQueue({ queue }) {
        throw new QueueNotFoundError({ queue });
      },
      async *subscribe() {
        yield { heartbeat: { version: 1 } };
        throw new BankBacklogError({ pendingSteps: 3 });
      },
      async restoreQueue() {
        throw new BankBytesError({ requestedBytes: 2, limitBytes: 1 });
      },
    });
    const unary = await failureOf(client.getQueue({ queue: 'x' }));
    expect(unary).toBeInstanceOf(QueueNotFoundError);
    expect(unary).toMatchObject({ metadata: { queue: 'x' } });
    const stream = client.subscribe({})[Symbol.asyncIterator]();
    expect(await stream.next()).toMatchObject({ done: false });
    const streamed = await failureOf(stream.next());
    expect(streamed).toBeInstanceOf(BankBacklogError);
    expect(streamed).toMatchObject({ retryAfterMs: 100 });
    async function* endless() {
      for (;;) yield { chunk: { data: Buffer.alloc(1 << 16) } };
    }
    expect(await failureOf(client.restoreQueue(endless()))).toBeInstanceOf(
      BankBytesError,
    );
  });

  it('that nobody foresaw reach the log, not the caller', async () => {
    const lines: string[] = [];
    const log = createLogger('test', {
      to: { write: (line) => lines.push(line) },
    });
    const handlers = {
      async getQueue() {
        throw new TypeError('secret of the server');
      },
    };
    const { client } = await serve(handlers, { log });
    const error = await failureOf(client.getQueue({}));
    expect(error).toBeInstanceOf(InternalError);
    expect(String(error)).not.toContain('secret');
    const logged = lines.map((line) => JSON.parse(line) as object);
    expect(logged).toContainEqual(
      expect.objectContaining({
        msg: 'failed',
        rpc: 'rrd.v1.MemoryBankService/GetQueue',
        err: expect.objectContaining({
          message: 'secret of the server',
        }) as object,
      }),
    );
  });

  it('of an absent peer are typed', async () => {
    const client = connect('rrd.v1.MemoryBankService', '127.0.0.1:1');
    cleanups.push(() => client.close());
    expect(await failureOf(client.listQueues({}))).toBeInstanceOf(
      ServiceUnavailableError,
    );
    const stream = client.subscribe({})[Symbol.asyncIterator]();
    expect(await failureOf(stream.next())).toBeInstanceOf(
      ServiceUnavailableError,
    );
  });

  it('of a peer that accepts and says nothing come with the deadline', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void mute.close());
    await new Promise((resolve) => mute.once('listening', resolve));
    const address = mute.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const client = connect('rrd.v1.MemoryBankService', `127.0.0.1:${port}`);
    cleanups.push(() => client.close());
    const error = await failureOf(client.listQueues({}, { deadlineMs: 100 }));
    expect(error).toBeInstanceOf(DeadlineExceededError);
  });
});

describe('time and cancellation', () => {
  it('a deadline ends both ends', async () => {
    const ended: unknown[] = [];
    const { client } = await serve({
      getQueue: (_, call) =>
        gone(call).catch((reason: unknown) => {
          ended.push(reason);
          throw reason;
        }),
    });
    const error = await failureOf(client.getQueue({}, { deadlineMs: 50 }));
    expect(error).toBeInstanceOf(DeadlineExceededError);
    expect(error).toMatchObject({
      metadata: { method: 'GetQueue', deadlineMs: '50' },
    });
    await expect.poll(() => ended.length).toBe(1);
  });

  it('an aborted call rejects with the reason and frees the server', async () => {
    let running = 0;
    const hold = async (call: Call) => {
      running++;
      await gone(call).finally(() => running--);
      return {};
    };
    const { client } = await serve({
      getQueue: (_, call) => hold(call),
      restoreQueue: (_, call) => hold(call),
      async *subscribe(_, call) {
        yield {};
        yield await hold(call);
      },
    });
    const controller = new AbortController();
    const { signal } = controller;
    async function* silence() {
      yield {};
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve());
      });
    }
    const stream = client.subscribe({}, { signal })[Symbol.asyncIterator]();
    await stream.next();
    const failures = [
      failureOf(client.getQueue({}, { signal })),
      failureOf(client.restoreQueue(silence(), { signal })),
      failureOf(stream.next()),
    ];
    await expect.poll(() => running).toBe(3);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await Promise.all(failures)).toEqual([reason, reason, reason]);
    await expect.poll(() => running).toBe(0);
    expect(await failureOf(client.getQueue({}, { signal }))).toBe(reason);
  });

  it('many calls may share a signal, and leave nothing on it', async () => {
    const { client } = await serve({ getQueue: async () => ({}) });
    const { signal } = new AbortController();
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const calls = Array.from({ length: 64 }, () =>
      client.getQueue({}, { signal }),
    );
    await Promise.all(calls);
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('leaving a stream early cancels it', async () => {
    let open = 0;
    const { client } = await serve({
      async *subscribe(_, { signal }) {
        open++;
        try {
          for (; !signal.aborted; await sleep(1)) yield {};
        } finally {
          open--;
        }
      },
    });
    for await (const message of client.subscribe({})) {
      expect(message).toEqual({});
      expect(open).toBe(1);
      break;
    }
    await expect.poll(() => open).toBe(0);
  });

  it('a silent stream ends after idleMs, a busy reader does not count', async () => {
    const { client } = await serve({
      async *subscribe(_, call) {
        yield {};
        yield {};
        await gone(call);
      },
    });
    let seen = 0;
    const read = async () => {
      for await (const message of client.subscribe({}, { idleMs: 60 })) {
        expect(message).toEqual({});
        seen++;
        await sleep(100);
      }
    };
    expect(await failureOf(read())).toBeInstanceOf(DeadlineExceededError);
    expect(seen).toBe(2);
  });
});

describe('backpressure', () => {
  it('the server waits for a reader, and gives up a dead one', async () => {
    let written = 0;
    const ended: unknown[] = [];
    const data = Buffer.alloc(2 ** 18);
    const handlers: Partial<Bank> = {
      async *subscribe(_, { signal }) {
        signal.addEventListener('abort', () => ended.push(signal.reason));
        for (; written < 1_000; written++) yield { delta: { rows: { data } } };
      },
    };
    const { client } = await serve(handlers, { stallMs: 300 });
    const stream = client.subscribe({})[Symbol.asyncIterator]();
    await stream.next();
    await expect.poll(() => ended.length, { timeout: 5_000 }).toBe(1);
    expect(ended[0]).toBeInstanceOf(DeadlineExceededError);
    expect(written).toBeLessThan(100); // 250 MiB would have been 1,000
    await stream.return?.();
  });

  it('the server gives up a caller that stops sending', async () => {
    const ended: unknown[] = [];
    const { client } = await serve(
      {
        async restoreQueue(requests) {
          try {
            for await (const request of requests) expect(request).toEqual({});
          } catch (error) {
            ended.push(error);
            throw error;
          }
          return {};
        },
      },
      { stallMs: 100 },
    );
    async function* silent() {
      yield {};
      await new Promise<never>(() => {});
    }
    const error = await failureOf(client.restoreQueue(silent()));
    expect(error).toBeInstanceOf(DeadlineExceededError);
    expect(error).toMatchObject({ metadata: { deadlineMs: '100' } });
    expect(ended).toHaveLength(1);
  });
});
