import { InvalidRequestError } from '#runtime/errors.js';
import type { Call } from '#runtime/rpc/server.js';
import type { Queuing } from '../models.js';

const maxClientLength = 256;
const maxPriority = 100;

/**
 * How a request takes its turn.
 * @throws InvalidRequestError
 */
export function queuingOf(
  { client, priority }: { client: string; priority: number },
  { peer, deadlineMs, signal }: Call,
): Queuing {
  if (client.length > maxClientLength) {
    throw new InvalidRequestError({
      field: 'client',
      value: `${client.length} characters`,
      expected: `at most ${maxClientLength}`,
    });
  }
  if (!Number.isInteger(priority) || Math.abs(priority) > maxPriority) {
    throw new InvalidRequestError({
      field: 'priority',
      value: priority,
      expected: `-${maxPriority} to ${maxPriority}`,
    });
  }
  return { client: client || peer, priority, deadlineMs, signal };
}
