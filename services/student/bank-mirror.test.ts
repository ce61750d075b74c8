import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Commit, FifoQueue } from '#distill/queue.js';
import { ServiceUnavailableError } from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import type { RunningService } from '#runtime/service.js';
import { toConfig } from '../memory-bank/config.js';
import { startMemoryBank } from '../memory-bank/service.js';
import { BankMirror, type MirrorOptions } from './bank-mirror.js';

const { signal } = new AbortController();
let bank: RunningService;
let mirror: BankMirror;

function options(): MirrorOptions {
  return {
    ...{ address: bank.address, tls: undefined, runId: 'run', attempt: 1 },
    ...{
      prepareMs: 5_000,
      callMs: 5_000,
      commitMs: 5_000,
      onReconnect: () => {},
    },
    spec: {
      ...{ queue: 'run', capacity: 8, featDim: 2, worldSize: 2 },
      ...{ teacherDigest: 't', init: 'QUEUE_INIT_ROWS' },
    },
  };
}

beforeEach(async () => {
  const log = createLogger('test', { level: 'silent' });
  bank = await startMemoryBank(toConfig({}), { log });
  mirror = await BankMirror.open(options(), signal);
});

afterEach(async () => {
  mirror.close();
  await bank.close();
});

const hand = (step: number, rank: number) => {
  const rows = { shape: [1, 2], data: Float32Array.of(step, rank) };
  return mirror.enqueue(step, rank, { rows }, signal);
};

/** Both ranks: the step is committed, and here. */
async function commit(step: number): Promise<void> {
  await hand(step, 1);
  await hand(step, 0);
  await expect.poll(() => mirror.nextStep).toBe(step + 1);
}

const versions = (commits: readonly Commit[]) => commits.map((c) => c.version);

describe('a mirror', () => {
  it('gives a strict step its own commit, whatever is ahead', async () => {
    for (const step of [0, 1, 2]) await commit(step);
    for (const step of [0, 1, 2]) {
      const { commits, lag } = await mirror.newsFor(step, 0, signal);
      expect([versions(commits), lag]).toEqual([[step + 1], 0]);
      expect(commits[0]!.rows).toEqual(Float32Array.of(step, 0, step, 1));
    }
  });

  it('lets a stale step go without the last commits, and no further', async () => {
    await commit(0);
    await commit(1);
    const stale = await mirror.newsFor(3, 2, signal);
    expect([versions(stale.commits), stale.lag]).toEqual([[1, 2], 2]);
    const waiting = mirror.newsFor(4, 2, signal);
    await hand(2, 1);
    const early = await Promise.race([
      waiting.then(() => 'given'),
      new Promise((resolve) => setTimeout(resolve, 100, 'waiting')),
    ]);
    expect(early).toBe('waiting');
    await hand(2, 0);
    const { commits, lag } = await waiting;
    expect([versions(commits), lag]).toEqual([[3], 2]);
  });

  it('gives again what a step was given, and what has come since', async () => {
    await commit(0);
    await mirror.newsFor(1, 1, signal);
    await commit(1);
    const again = await mirror.newsFor(1, 1, signal);
    expect([versions(again.commits), again.lag]).toEqual([[1, 2], 0]);
    const next = await mirror.newsFor(2, 1, signal);
    expect([versions(next.commits), next.lag]).toEqual([[], 1]);
  });

  it('gives a checkpoint all before its step, also what a step took', async () => {
    await commit(0);
    await mirror.newsFor(2, 2, signal);
    await commit(1);
    await commit(2);
    const { commits } = await mirror.newsFor(1, 0, signal);
    expect(versions(commits)).toEqual([1, 2]);
  });

  it('gives up when a commit that is needed does not come', async () => {
    mirror.close();
    const late = { ...options(), attempt: 2, commitMs: 200 };
    mirror = await BankMirror.open(late, signal);
    await mirror.newsFor(2, 3, signal);
    await expect(mirror.newsFor(3, 3, signal)).rejects.toBeInstanceOf(
      ServiceUnavailableError,
    );
  });
});

describe('a mirror of a shared queue', () => {
  const opened: BankMirror[] = [];

  const joined = async (runId: string, over: Partial<MirrorOptions> = {}) => {
    const shared = { ...options(), runId, ...over };
    const spec = { ...shared.spec, queue: 'shared/q', shared: true };
    const other = await BankMirror.open(
      { ...shared, spec: { ...spec, worldSize: 1 } },
      signal,
    );
    opened.push(other);
    return other;
  };
  const take = (of: BankMirror, step: number, value = step) =>
    of.enqueue(
      step,
      0,
      { rows: { shape: [1, 2], data: Float32Array.of(value, 0) } },
      signal,
    );

  afterEach(() => {
    for (const other of opened.splice(0)) other.close();
  });

  it('gives a step all that the others committed before its own', async () => {
    const [a, b] = [await joined('a'), await joined('b')];
    await take(a, 0, 10);
    await take(b, 0, 20);
    await take(b, 1, 21);
    await take(a, 1, 11);
    await expect.poll(() => b.version).toBe(4);
    const values = async (of: BankMirror, step: number) =>
      (await of.newsFor(step, 0, signal)).commits.map(({ rows }) => rows[0]);
    expect(await values(a, 0)).toEqual([10]);
    expect(await values(a, 1)).toEqual([20, 21, 11]);
    expect(await values(b, 0)).toEqual([10, 20]);
    expect(await values(b, 1)).toEqual([21]);
    expect([a.stepAfter(0), a.stepAfter(3), a.stepAfter(4)]).toEqual([0, 1, 2]);
  });

  it('goes on under a new attempt behind the last step that it committed', async () => {
    const a = await joined('a');
    for (const step of [0, 1, 2]) await take(a, step);
    const queue = { ...a.takeSnapshot(), version: 1 };
    const resume = { queue, step: 1 }; // as a checkpoint has it
    const again = await joined('a', { attempt: 2, resume });
    expect(again.nextStep).toBe(3);
    expect(again.takeSnapshot().version).toBe(3);
    // Steps that are taken again see the queue as it is.
    for (const step of [1, 2]) {
      const { commits, lag } = await again.newsFor(step, 0, signal);
      expect([commits, lag]).toEqual([[], 0]);
    }
    await take(again, 3, 13);
    const { commits } = await again.newsFor(3, 0, signal);
    expect(commits.map(({ rows }) => rows[0])).toEqual([13]);
    await expect(take(a, 3)).rejects.toMatchObject({ reason: 'STALE_EPOCH' });
  });

  it('starts again from a snapshot when the others are too far ahead', async () => {
    const cuts: unknown[] = [];
    const onReconnect = (_: number, error: unknown) => void cuts.push(error);
    const a = await joined('a', { onReconnect });
    const b = await joined('b');
    await take(a, 0);
    // More than twice the queue's rows, of which `a` asked for none.
    for (let step = 0; step < 40; step++) await take(b, step);
    await take(a, 1);
    await expect.poll(() => a.version).toBe(42);
    expect(cuts[0]).toMatchObject({ reason: 'VERSION_EVICTED' });
    // Whoever goes on from here need not wait for what came before.
    expect(a.stepAfter(42)).toBe(2);
    const { snapshot, commits } = await a.newsFor(1, 0, signal);
    const mirror = FifoQueue.create({
      ...{ capacity: 8, featDim: 2, seed: 0, init: 'rows' as const },
    });
    mirror.follow([...(snapshot ? [snapshot] : []), ...commits]);
    expect(mirror.version).toBeGreaterThan(16);
    for (const { version, rows } of (await a.newsFor(2, 1, signal)).commits)
      mirror.follow([{ version, rows }]);
    expect(mirror.snapshot().rows).toEqual(
      (await joined('c')).takeSnapshot().rows,
    );
  });

  it('is freed with the last run that leaves', async () => {
    const [a, b] = [await joined('a'), await joined('b')];
    await take(a, 0);
    await a.deleteQueue();
    await take(b, 0);
    expect((await joined('c')).takeSnapshot().version).toBe(2);
    for (const other of opened.slice(1)) await other.deleteQueue();
    const fresh = await joined('d');
    expect(fresh.takeSnapshot().version).toBe(0);
  });
});
