import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Commit } from '#distill/queue.js';
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
