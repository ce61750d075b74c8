import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '../errors.js';

/** How often and how fast to try again. All times in milliseconds. */
export interface RetryPolicy {
  /** No attempt starts later than this after the first one. */
  deadlineMs: number;
  /** The longest first wait; it doubles with every attempt. */
  initialBackoffMs: number;
  maxBackoffMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  deadlineMs: 10_000,
  initialBackoffMs: 50,
  maxBackoffMs: 2_000,
};

/** Where time comes from; tests bring their own. */
export interface Clock {
  /** Milliseconds of any origin that never go back. */
  now(): number;
  /** Rejects with `signal.reason` when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

export interface RetryOptions {
  signal?: AbortSignal;
  clock?: Clock;
  /** Uniform in [0, 1), for the jitter. Default: Math.random. */
  random?: () => number;
}

/** Whether the same call may succeed later: the server says so, or is away. */
export function isRetryable(error: unknown): error is DomainError {
  return (
    error instanceof DomainError &&
    (error.retryAfterMs !== undefined || error.status === 'UNAVAILABLE')
  );
}

/**
 * The wait before attempt `attempt` + 1 (counted from 1), drawn evenly from
 * the upper half of an exponentially growing window, and at least as long as
 * the server asked for.
 */
export function backoffMs(
  policy: RetryPolicy,
  attempt: number,
  retryAfterMs: number,
  random: number,
): number {
  const window = policy.initialBackoffMs * 2 ** (attempt - 1);
  const capped = Math.min(window, policy.maxBackoffMs);
  return retryAfterMs + (capped / 2) * (1 + random);
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the next wait would
 * pass the policy's deadline; then the last error is thrown as it came.
 */
export async function retry<T>(
  policy: RetryPolicy,
  attempt: (number: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { signal, clock = systemClock, random = Math.random } = options;
  const end = clock.now() + policy.deadlineMs;
  for (let number = 1; ; number++) {
    signal?.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      const after = error.retryAfterMs ?? 0;
      const waitMs = backoffMs(policy, number, after, random());
      if (clock.now() + waitMs > end) throw error;
      await clock.sleep(waitMs, signal);
    }
  }
}
