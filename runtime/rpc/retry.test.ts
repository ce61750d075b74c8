import { describe, expect, it } from 'vitest';
import {
  BankBacklogError,
  QueueNotFoundError,
  ServiceUnavailableError,
} from '../errors.js';
import { backoffMs, retry, type Clock } from './retry.js';

const policy = { deadlineMs: 1_000, initialBackoffMs: 10, maxBackoffMs: 40 };
const away = () =>
  new ServiceUnavailableError({ service: 's', address: 'a', waitedMs: 1 });

/** Time that passes only by sleeping. */
function fakeClock() {
  const slept: number[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
  return { clock, slept };
}

describe('retry', () => {
  it('waits longer each time, up to the maximum', async () => {
    const { clock, slept } = fakeClock();
    const result = await retry(
      policy,
      async (number) => {
        if (number < 5) throw away();
        return number;
      },
      { clock, random: () => 1 },
    );
    expect(result).toBe(5);
    expect(slept).toEqual([10, 20, 40, 40]);
  });

  it('adds its wait to what the server asked for', () => {
    expect(backoffMs(policy, 1, 100, 0)).toBe(105);
    expect(backoffMs(policy, 9, 0, 0)).toBe(20);
  });

  it('throws what cannot get better at once', async () => {
    const { clock, slept } = fakeClock();
    const error = new QueueNotFoundError({ queue: 'q' });
    const attempt = retry(policy, () => Promise.reject(error), { clock });
    await expect(attempt).rejects.toBe(error);
    expect(slept).toEqual([]);
  });

  it('throws the last error when the deadline would pass', async () => {
    const { clock, slept } = fakeClock();
    let attempts = 0;
    const attempt = async () => {
      attempts++;
      throw new BankBacklogError({ pendingSteps: attempts });
    };
    const outcome = retry(policy, attempt, { clock, random: () => 0 });
    const error: unknown = await outcome.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      metadata: { pendingSteps: String(attempts) },
    });
    expect(slept.reduce((a, b) => a + b)).toBeLessThanOrEqual(1_000);
    expect(attempts).toBe(slept.length + 1);
  });

  it('ends with the reason of the signal, also while it waits', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const attempt = async () => {
      setTimeout(() => controller.abort(reason), 5);
      throw away();
    };
    const slow = { ...policy, initialBackoffMs: 900, maxBackoffMs: 900 };
    const { signal } = controller;
    await expect(retry(slow, attempt, { signal })).rejects.toBe(reason);
  });
});
