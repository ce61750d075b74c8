import type { Bank } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import type { BankEvents } from './events.js';
import type { Journal } from './journal.js';

export interface RetentionOptions {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly events: BankEvents;
  /** Queues that nobody uses are kept for so long; for ever without it. */
  readonly retentionMs: number | undefined;
}

/** A queue as it was when it was last seen to change. */
interface Seen {
  readonly mark: string;
  readonly sinceMs: number;
}

/** Looks at the queues so often within the time that they are kept. */
const looks = 4;
const longestMs = 60_000;

/**
 * Frees queues that nobody feeds or reads: those of runs that ended without
 * their last word. A run that comes back has its rows in its checkpoint. Times
 * begin anew when the bank starts.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #seen = new WeakMap<BankQueue, Seen>();
  readonly #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: RetentionOptions) {
    this.#options = options;
    const { retentionMs } = options;
    if (retentionMs === undefined) return;
    const look = () => {
      this.#looking = this.#looking.then(() => this.#look(retentionMs));
    };
    const everyMs = Math.ceil(Math.min(retentionMs / looks, longestMs));
    this.#timer = setInterval(look, everyMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(retentionMs: number): Promise<void> {
    const nowMs = performance.now();
    const unused = this.#options.bank
      .list()
      .filter((queue) => this.#unusedMs(queue, nowMs) >= retentionMs);
    // All at once: a disk takes its time, and by then a queue of the same name
    // may be another.
    await Promise.all(unused.map((queue) => this.#free(queue)));
  }

  #unusedMs(queue: BankQueue, nowMs: number): number {
    const mark = markOf(queue);
    const seen = this.#seen.get(queue);
    const isUsed = queue.state.subscribers > 0 || seen?.mark !== mark;
    if (!isUsed) return nowMs - seen.sinceMs;
    this.#seen.set(queue, { mark, sinceMs: nowMs });
    return 0;
  }

  async #free({ spec: { queue }, epoch }: BankQueue): Promise<void> {
    const { bank, journal, events } = this.#options;
    try {
      if (!bank.delete(queue, epoch)) return;
      events.expired(queue);
      await journal.drop(queue);
    } catch (error) {
      events.dropFailed(queue, error);
    }
  }
}

/** Changes whenever somebody feeds the queue. */
function markOf({ state }: BankQueue): string {
  const { version, pendingBatches, members } = state;
  return JSON.stringify([version, pendingBatches, members]);
}
