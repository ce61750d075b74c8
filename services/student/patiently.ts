import {
  DeadlineExceededError,
  ServiceUnavailableError,
} from '#runtime/errors.js';
import type { CallOptions } from '#runtime/rpc/client.js';
import { defaultRetryPolicy, retry } from '#runtime/rpc/retry.js';

export interface PatientCall {
  /** Whom the call is for, as errors name it. */
  readonly service: string;
  readonly address: string;
  /** How long a peer that is away is asked again. */
  readonly ms: number;
  /** How long one that is there may take; `ms` for all attempts without. */
  readonly attemptMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a call that may be repeated, again and again while its peer is away.
 * @throws ServiceUnavailableError when the time is over
 */
export async function patiently<T>(
  { service, address, ms, attemptMs, signal }: PatientCall,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const waitedMs = () => Math.round(performance.now() - started);
  const leftMs = () => Math.max(1, ms - waitedMs());
  const attempt = () => call({ signal, deadlineMs: attemptMs ?? leftMs() });
  try {
    const policy = { ...defaultRetryPolicy, deadlineMs: ms };
    return await retry(policy, attempt, { signal });
  } catch (error) {
    if (!isAbsence(error)) throw error;
    const fields = { service, address, waitedMs: waitedMs() };
    throw new ServiceUnavailableError(fields, { cause: error });
  }
}

/** Whether an error says that nobody was there, or not in time. */
export function isAbsence(error: unknown): boolean {
  return (
    error instanceof ServiceUnavailableError ||
    error instanceof DeadlineExceededError
  );
}
