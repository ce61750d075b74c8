import { afterEach, describe, expect, it } from 'vitest';
import {
  DatasetMismatchError,
  InternalError,
  ThreadBusyError,
  ThreadLostError,
} from './errors.js';
import { moved, startWorker, type WorkerHandle } from './worker.js';
import type { TestApi } from './worker.test-thread.js';

const entry = new URL('./worker.test-thread.js', import.meta.url);
const running: WorkerHandle<TestApi>[] = [];

async function start(
  maxPendingCalls = 64,
  endWithinMs = 20_000,
): Promise<WorkerHandle<TestApi>> {
  const options = { name: 'test', maxPendingCalls, endWithinMs };
  const worker = await startWorker<TestApi>(entry, options);
  running.push(worker);
  return worker;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.close()));
});

describe('a worker thread', () => {
  it('answers calls, also overlapping ones', async () => {
    const { api } = await start();
    const sums = await Promise.all([api.add(1, 2), api.add(3, 4)]);
    expect(sums).toEqual([3, 7]);
  });

  it('copies arguments, and moves what is marked as moved', async () => {
    const { api } = await start();
    const kept = Float32Array.of(1, 2, 3);
    expect((await api.double(kept)).rows).toEqual(Float32Array.of(2, 4, 6));
    expect(kept.length).toBe(3);
    const given = Float32Array.of(4);
    expect((await api.double(moved(given))).rows).toEqual(Float32Array.of(8));
    expect(given.length).toBe(0);
  });

  it('copies a moved view of a larger buffer, whose rest stays', async () => {
    const { api } = await start();
    const whole = Float32Array.of(1, 2, 3, 4);
    const { rows } = await api.double(moved(whole.subarray(1, 3)));
    expect(rows).toEqual(Float32Array.of(4, 6));
    expect(whole).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('rebuilds domain errors with their fields', async () => {
    const { api } = await start();
    const error = await api.mismatch().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(DatasetMismatchError);
    expect(error).toMatchObject({ metadata: { actual: 'bb' } });
  });

  it('turns other errors into InternalError with the cause', async () => {
    const { api } = await start();
    const error = await api.fail().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(InternalError);
    expect(String((error as Error).cause)).toContain('a bug of ours');
  });

  it('survives a result that cannot be cloned', async () => {
    const { api } = await start();
    await expect(api.unclonable()).rejects.toBeInstanceOf(InternalError);
    expect(await api.add(1, 1)).toBe(2);
  });

  it('survives an argument that cannot be cloned', async () => {
    const { api } = await start(1);
    const symbol = Symbol('not clonable') as unknown as number;
    await expect(api.add(symbol, 1)).rejects.toThrow();
    expect(await api.add(1, 1)).toBe(2);
  });
});

describe('the end of a worker thread', () => {
  it('rejects all calls in flight, and later ones, when it exits', async () => {
    const { api, lost } = await start();
    const calls = [api.never(), api.exit(3)];
    const results = await Promise.allSettled(calls);
    for (const result of results) {
      expect(result).toMatchObject({
        reason: { reason: 'THREAD_LOST', metadata: { thread: 'test' } },
      });
    }
    expect(await lost).toBeInstanceOf(ThreadLostError);
    await expect(api.add(1, 1)).rejects.toBeInstanceOf(ThreadLostError);
  });

  it('tells why, when an error outside of a call ended it', async () => {
    const { api } = await start();
    const error = await api.crash().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ThreadLostError);
    expect(String((error as Error).cause)).toContain('outside of any call');
  });

  it('rejects at once on close, and ends when its calls have come back', async () => {
    const worker = await start();
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const call = worker.api.slow(shared).catch((cause: unknown) => cause);
    const closed = worker.close();
    expect(await call).toBeInstanceOf(ThreadLostError);
    await expect(worker.api.add(1, 1)).rejects.toThrow('it was closed');
    await closed;
    expect(shared[0]).toBe(1);
    await worker.close();
  });

  it('ends calls that do not come back in time', async () => {
    const worker = await start(64, 50);
    const call = worker.api.never().catch((cause: unknown) => cause);
    await worker.close();
    expect(await call).toBeInstanceOf(ThreadLostError);
  });

  it('bounds the calls in flight', async () => {
    const { api } = await start(2, 50);
    const calls = [api.never(), api.never()].map((call) =>
      call.catch((cause: unknown) => cause),
    );
    await expect(api.add(1, 1)).rejects.toBeInstanceOf(ThreadBusyError);
    expect(calls).toHaveLength(2);
  });

  it('is an error of the start when the entry does not exist', async () => {
    const missing = new URL('./no-such-thread.js', import.meta.url);
    const start = startWorker<TestApi>(missing, { name: 'missing' });
    await expect(start).rejects.toBeInstanceOf(ThreadLostError);
  });

  it('is an error of the start when it never serves', async () => {
    const idle = new URL('data:text/javascript,setInterval(()=>{},1e3)');
    const start = startWorker<TestApi>(idle, { name: 'x', startWithinMs: 300 });
    await expect(start).rejects.toMatchObject({ reason: 'THREAD_LOST' });
  });
});
