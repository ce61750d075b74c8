import {
  DrainingError,
  InvalidRequestError,
  TeacherOverloadedError,
} from '#runtime/errors.js';

export interface BatcherConfig {
  /** Samples of one batch, of all its requests together. */
  readonly maxBatchSize: number;
  /** How long the oldest request waits for others to share its batch. */
  readonly maxQueueDelayMs: number;
  /** Requests that may wait; one more is refused. */
  readonly maxQueuedRequests: number;
}

export interface Clock {
  nowMs(): number;
  /** Calls `run` once after the delay, unless the returned function is called. */
  after(delayMs: number, run: () => void): () => void;
}

/** What is known of a batch when its computation starts. */
export interface BatchStart {
  readonly samples: number;
  /** How long each of its requests has waited. */
  readonly waitsMs: readonly number[];
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly samples: number;
  readonly enqueuedMs: number;
  readonly signal: AbortSignal;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Merges requests into batches, in order of arrival, one batch at a time.
 *
 * A batch starts when no other is under way and either the next request would
 * not fit or the oldest has waited `maxQueueDelayMs`. A request is never split.
 * One whose signal aborts is rejected with the signal's reason at once, and is
 * not computed unless its batch has already started.
 */
export class Batcher<Item, Result> {
  private readonly queue: Waiting<Item, Result>[] = [];
  private running: Promise<void> | undefined;
  private cancelTimer: (() => void) | undefined;
  private closed = false;

  /**
   * @param compute one result for each item, in their order
   * @param onStart called before each `compute`
   */
  constructor(
    private readonly config: BatcherConfig,
    private readonly compute: (items: Item[]) => Promise<readonly Result[]>,
    private readonly clock: Clock,
    private readonly onStart: (batch: BatchStart) => void = () => undefined,
  ) {}

  /**
   * @param samples how much of `maxBatchSize` the item takes
   * @throws InvalidRequestError if it can never fit
   * @throws TeacherOverloadedError if the queue is full
   */
  async submit(
    item: Item,
    samples: number,
    signal: AbortSignal,
  ): Promise<Result> {
    signal.throwIfAborted();
    this.admit(samples);
    return new Promise((resolve, reject) => {
      const enqueuedMs = this.clock.nowMs();
      const entry = { item, samples, enqueuedMs, signal, resolve, reject };
      const onAbort = () => {
        this.remove(entry);
        reject(signal.reason as Error);
      };
      const settle =
        <Value>(end: (value: Value) => void) =>
        (value: Value) => {
          signal.removeEventListener('abort', onAbort);
          end(value);
        };
      entry.resolve = settle(resolve);
      entry.reject = settle(reject);
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(entry);
      this.advance();
    });
  }

  /** Refuses what waits and what comes; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelTimer?.();
    for (const entry of this.queue.splice(0)) {
      entry.reject(new DrainingError({ service: 'teacher' }));
    }
    await this.running;
  }

  private admit(samples: number): void {
    const { maxBatchSize, maxQueuedRequests } = this.config;
    if (this.closed) throw new DrainingError({ service: 'teacher' });
    if (!Number.isInteger(samples) || samples < 1 || samples > maxBatchSize) {
      throw new InvalidRequestError({
        field: 'samples',
        value: samples,
        expected: `1 to ${maxBatchSize} of them`,
      });
    }
    if (this.queue.length >= maxQueuedRequests) {
      throw new TeacherOverloadedError({ depth: this.queue.length });
    }
  }

  /** Starts the next batch, or sets the time at which it must start. */
  private advance(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const [oldest] = this.queue;
    if (this.running || !oldest) return;
    const batch = this.nextBatch();
    const dueMs = oldest.enqueuedMs + this.config.maxQueueDelayMs;
    const delayMs = dueMs - this.clock.nowMs();
    if (delayMs <= 0 || this.isFull(batch)) {
      this.queue.splice(0, batch.length);
      this.running = this.run(batch);
    } else {
      this.cancelTimer = this.clock.after(delayMs, () => this.advance());
    }
  }

  private nextBatch(): Waiting<Item, Result>[] {
    let samples = 0;
    const end = this.queue.findIndex((entry) => {
      samples += entry.samples;
      return samples > this.config.maxBatchSize;
    });
    return end < 0 ? [...this.queue] : this.queue.slice(0, end);
  }

  private isFull(batch: readonly Waiting<Item, Result>[]): boolean {
    const full = samplesOf(batch) === this.config.maxBatchSize;
    return full || batch.length < this.queue.length;
  }

  private async run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const nowMs = this.clock.nowMs();
    this.onStart({
      samples: samplesOf(batch),
      waitsMs: batch.map(({ enqueuedMs }) => nowMs - enqueuedMs),
    });
    try {
      const results = await this.compute(batch.map(({ item }) => item));
      batch.forEach((entry, i) => entry.resolve(results[i]!));
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    } finally {
      this.running = undefined;
      this.advance();
    }
  }

  private remove(entry: Waiting<Item, Result>): void {
    const index = this.queue.indexOf(entry);
    if (index < 0) return;
    this.queue.splice(index, 1);
    this.advance();
  }
}

function samplesOf(batch: readonly { readonly samples: number }[]): number {
  return batch.reduce((sum, { samples }) => sum + samples, 0);
}
