import type { BusEvent, BusLimits, StartAt } from './bus.js';
import { decode } from './message.js';
import { Notifier } from './notifier.js';
import { matches } from './subjects.js';

interface StoredEvent {
  readonly subject: string;
  readonly bytes: Uint8Array;
}

/**
 * Events in the order they came, the oldest dropped beyond the limits. Readers
 * hold a position, not a queue of their own, so a slow one costs nothing.
 */
export class MemoryLog {
  readonly #events = new Map<number, StoredEvent>();
  readonly #appended = new Notifier();
  readonly #limits: BusLimits;
  #first: number;
  #next: number;
  #bytes = 0;

  /** @param before the sequence number before the first one */
  constructor(limits: BusLimits, before = 0) {
    this.#limits = limits;
    this.#first = this.#next = before + 1;
  }

  append(subject: string, bytes: Uint8Array): void {
    this.#events.set(this.#next++, { subject, bytes });
    this.#bytes += bytes.length;
    while (this.#isOverfull()) this.#dropOldest();
    this.#appended.notify();
  }

  /** Settles where to start at the call, before the first `next()`. */
  read(
    pattern: string,
    from: StartAt,
    signal: AbortSignal,
  ): AsyncGenerator<BusEvent> {
    return this.#readAfter(pattern, this.#positionOf(from), signal);
  }

  async *#readAfter(
    pattern: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<BusEvent> {
    let sequence = after + 1;
    while (!signal.aborted) {
      sequence = Math.max(sequence, this.#first);
      const event = this.#events.get(sequence);
      if (!event) {
        await this.#appended.wait(signal);
        continue;
      }
      if (matches(pattern, event.subject)) {
        yield { subject: event.subject, data: decode(event.bytes), sequence };
      }
      sequence += 1;
    }
  }

  #positionOf(from: StartAt): number {
    if (from === 'start') return 0;
    if (from === 'now') return this.#next - 1;
    return from.after;
  }

  #isOverfull(): boolean {
    return (
      this.#events.size > this.#limits.maxEvents ||
      this.#bytes > this.#limits.maxEventBytes
    );
  }

  #dropOldest(): void {
    this.#bytes -= this.#events.get(this.#first)?.bytes.length ?? 0;
    this.#events.delete(this.#first++);
  }
}
