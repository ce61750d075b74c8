import { BusFullError } from '../errors.js';
import type { JsonObject, WorkItem, WorkSettings } from './bus.js';
import { decode } from './message.js';
import { Notifier } from './notifier.js';

interface Item {
  readonly bytes: Uint8Array;
  deliveries: number;
  /** Runs while a taker holds the item. */
  lease: NodeJS.Timeout | undefined;
}

export interface QueueSettings extends WorkSettings {
  readonly name: string;
  readonly maxQueuedItems: number;
  readonly onDropped: (work: JsonObject, deliveries: number) => void;
}

/** One work queue, first in, first out; what comes back goes to the front. */
export class MemoryQueue {
  readonly #settings: QueueSettings;
  readonly #arrived = new Notifier();
  readonly #leased = new Set<Item>();
  #waiting: Item[] = [];

  constructor(settings: QueueSettings) {
    this.#settings = settings;
  }

  /** @throws BusFullError */
  checkRoom(): void {
    const { name, maxQueuedItems } = this.#settings;
    if (this.#waiting.length + this.#leased.size < maxQueuedItems) return;
    throw new BusFullError({
      queue: `work queue ${name}`,
      limit: `${maxQueuedItems} items`,
    });
  }

  offer(bytes: Uint8Array): void {
    this.#waiting.push({ bytes, deliveries: 0, lease: undefined });
    this.#arrived.notify();
  }

  async take(signal: AbortSignal): Promise<WorkItem | undefined> {
    while (!signal.aborted) {
      const item = this.#waiting.shift();
      if (!item) await this.#arrived.wait(signal);
      else if (item.deliveries < this.#settings.maxDeliveries) {
        return this.#lend(item);
      } else this.#settings.onDropped(decode(item.bytes), item.deliveries);
    }
    return undefined;
  }

  /** Stops the clocks; nothing is lent any more. */
  close(): void {
    for (const item of this.#leased) clearTimeout(item.lease);
    this.#leased.clear();
  }

  #lend(item: Item): WorkItem {
    item.deliveries += 1;
    const delivery = item.deliveries;
    this.#leased.add(item);
    this.#startLease(item);
    // Says nothing any more once the item has gone to another taker.
    const whileHeld = (act: () => void) => () => {
      if (this.#leased.has(item) && item.deliveries === delivery) act();
      return Promise.resolve();
    };
    return {
      work: decode(item.bytes),
      delivery,
      extend: whileHeld(() => this.#startLease(item)),
      done: whileHeld(() => this.#endLease(item)),
      release: whileHeld(() => this.#putBack(item)),
    };
  }

  #startLease(item: Item): void {
    clearTimeout(item.lease);
    item.lease = setTimeout(() => this.#putBack(item), this.#settings.leaseMs);
  }

  #endLease(item: Item): void {
    clearTimeout(item.lease);
    this.#leased.delete(item);
  }

  #putBack(item: Item): void {
    this.#endLease(item);
    this.#waiting.unshift(item);
    this.#arrived.notify();
  }
}
