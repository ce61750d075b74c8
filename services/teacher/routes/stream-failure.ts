import type { Status } from '#proto/google/rpc/Status.js';
import { DomainError } from '#runtime/errors.js';
import type { Call } from '#runtime/rpc/server.js';
import { statusOf } from '#runtime/rpc/status.js';

/**
 * Why one request of a stream failed, for its answer: the stream goes on.
 * Throws what ends the stream itself.
 */
export function failureOf(error: unknown, { signal, log }: Call): Status {
  signal.throwIfAborted();
  if (!(error instanceof DomainError)) log.error({ err: error }, 'failed');
  return statusOf(error);
}
