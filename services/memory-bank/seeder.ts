import { startWorker } from '#runtime/worker.js';
import { adoptRows, createRows, type QueueRows } from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';
import type { SeederApi } from './seeder-worker.js';

/** Values that are drawn within some milliseconds. */
const smallSize = 2 ** 15;

/**
 * Draws the rows of new queues: 2 million take half a second, so large queues
 * are drawn in a thread, one after another, while gRPC goes on.
 */
export class Seeder {
  #last: Promise<unknown> = Promise.resolve();

  /** @throws the signal's reason, once nobody waits any more */
  async seed(spec: QueueSpec, signal: AbortSignal): Promise<QueueRows> {
    if (spec.capacity * spec.featDim <= smallSize) {
      return createRows(spec);
    }
    const turn = this.#last.then(() => seedInThread(spec, signal));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

async function seedInThread(
  spec: QueueSpec,
  signal: AbortSignal,
): Promise<QueueRows> {
  signal.throwIfAborted();
  const entry = new URL('./seeder-worker.js', import.meta.url);
  const worker = await startWorker<SeederApi>(entry, {
    ...{ name: 'seeder', endWithinMs: 0 },
  });
  const stop = () => void worker.close();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    return adoptRows(spec, await worker.api.seed(spec));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.close();
  }
}
