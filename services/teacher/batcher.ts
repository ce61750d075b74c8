import {
  DeadlineExceededError,
  DrainingError,
  InvalidRequestError,
  TeacherOverloadedError,
} from '#runtime/errors.js';
import { FairQueue, type Ranked } from './fair-queue.js';

export interface BatcherConfig {
  /** Samples of one batch, of all its requests together. */
  readonly maxBatchSize: number;
  /** A batch that is exactly so large waits for nobody; may be empty. */
  readonly preferredBatchSizes: readonly number[];
  /** How long a request waits for others to share its batch. */
  readonly maxQueueDelayMs: number;
  /** Requests that may wait; one more is refused. */
  readonly maxQueuedRequests: number;
  /** Batches that are computed at a time. */
  readonly instances: number;
}

export interface Clock {
  nowMs(): number;
  /** Calls `run` once after the delay, unless the returned function is called. */
  after(delayMs: number, run: () => void): () => void;
}

/** What is known of a request besides what is to be computed. */
export interface Submission extends Ranked {
  /** How much of `maxBatchSize` it takes. */
  readonly samples: number;
  /** Time until nobody wants the answer any more; may be infinite. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** What is known of a batch when its computation starts. */
export interface BatchStart {
  readonly samples: number;
  /** How long each of its requests has waited. */
  readonly waitsMs: readonly number[];
}

interface Waiting<Item, Result> extends Submission {
  readonly item: Item;
  readonly enqueuedMs: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Merges requests into batches, in the order of a FairQueue, as many batches
 * at a time as there are instances to compute them.
 *
 * A batch starts when an instance is free and (a) the requests whose turn it
 * is fill it or make a preferred size, or (b) the next one would not fit, or
 * (c) some request has waited `maxQueueDelayMs`. A request is never split. One
 * whose signal aborts is rejected with the signal's reason at once; neither it
 * nor one whose deadline has passed is computed unless its batch has started.
 */
export class Batcher<Item, Result> {
  private readonly queue = new FairQueue<Waiting<Item, Result>>();
  /** The batch of each instance that computes one. */
  private readonly running = new Map<number, Promise<void>>();
  private cancelTimer: (() => void) | undefined;
  private closed = false;

  /**
   * @param compute one result for each item, in their order; the calls of one
   *   instance never overlap
   * @param onStart called before each `compute`
   */
  constructor(
    private readonly config: BatcherConfig,
    private readonly compute: (
      items: Item[],
      instance: number,
    ) => Promise<readonly Result[]>,
    private readonly clock: Clock,
    private readonly onStart: (batch: BatchStart) => void = () => undefined,
  ) {}

  /**
   * @throws InvalidRequestError if it can never fit
   * @throws TeacherOverloadedError if the queue is full; also for the newest
   *   request of the client that waits with most, if another comes with less
   * @throws DeadlineExceededError if the deadline passed before its turn
   */
  async submit(item: Item, submission: Submission): Promise<Result> {
    const { signal } = submission;
    signal.throwIfAborted();
    this.admit(submission);
    return new Promise((resolve, reject) => {
      const enqueuedMs = this.clock.nowMs();
      const entry = { ...submission, item, enqueuedMs, resolve, reject };
      const onAbort = () => {
        if (this.queue.remove(entry)) this.advance();
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
    for (const entry of this.queue.clear()) {
      entry.reject(new DrainingError({ service: 'teacher' }));
    }
    await Promise.all(this.running.values());
  }

  private admit({ samples, client }: Submission): void {
    const { maxBatchSize, maxQueuedRequests } = this.config;
    if (this.closed) throw new DrainingError({ service: 'teacher' });
    if (!Number.isInteger(samples) || samples < 1 || samples > maxBatchSize) {
      throw new InvalidRequestError({
        field: 'samples',
        value: samples,
        expected: `1 to ${maxBatchSize} of them`,
      });
    }
    if (this.queue.size >= maxQueuedRequests) this.makeRoomFor(client);
  }

  /** Whoever fills the queue gives way to who has less in it. */
  private makeRoomFor(client: string): void {
    const error = new TeacherOverloadedError({ depth: this.queue.size });
    const own = this.queue.of(client).length;
    const busiest = this.queue.busiestAbove(own + 1);
    const newest = busiest && this.queue.of(busiest).at(-1);
    if (!newest) throw error;
    this.queue.remove(newest);
    newest.reject(error);
  }

  /** Starts batches, or sets the time at which the next one must start. */
  private advance(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.dropExpired();
    for (;;) {
      const instance = this.freeInstance();
      if (instance === undefined || this.queue.size === 0) return;
      const delayMs = this.delayMs();
      const batch = this.nextBatch(delayMs <= 0);
      if (batch.length === 0) {
        this.cancelTimer = this.clock.after(delayMs, () => this.advance());
        return;
      }
      this.queue.take(batch);
      this.running.set(instance, this.run(batch, instance));
    }
  }

  private freeInstance(): number | undefined {
    const instances = Array.from(
      { length: this.config.instances },
      (_, i) => i,
    );
    return instances.find((instance) => !this.running.has(instance));
  }

  /** How long the oldest request may still wait for others. */
  private delayMs(): number {
    const oldestMs = Math.min(...[...this.queue].map((e) => e.enqueuedMs));
    return oldestMs + this.config.maxQueueDelayMs - this.clock.nowMs();
  }

  /** The requests to start with now: none if it is worth waiting for more. */
  private nextBatch(due: boolean): Waiting<Item, Result>[] {
    const { maxBatchSize, preferredBatchSizes } = this.config;
    const fitting: Waiting<Item, Result>[] = [];
    let samples = 0;
    let preferred = 0;
    for (const entry of this.queue) {
      if (samples + entry.samples > maxBatchSize) break;
      samples += entry.samples;
      fitting.push(entry);
      if (preferredBatchSizes.includes(samples)) preferred = fitting.length;
    }
    if (preferred > 0) return fitting.slice(0, preferred);
    const full = samples === maxBatchSize || fitting.length < this.queue.size;
    return due || full ? fitting : [];
  }

  private dropExpired(): void {
    const nowMs = this.clock.nowMs();
    for (const entry of [...this.queue]) {
      const { enqueuedMs, deadlineMs } = entry;
      if (enqueuedMs + deadlineMs > nowMs) continue;
      this.queue.remove(entry);
      const call = { service: 'teacher', method: 'a batch' };
      entry.reject(new DeadlineExceededError({ ...call, deadlineMs }));
    }
  }

  private async run(
    batch: readonly Waiting<Item, Result>[],
    instance: number,
  ): Promise<void> {
    const nowMs = this.clock.nowMs();
    this.onStart({
      samples: batch.reduce((sum, { samples }) => sum + samples, 0),
      waitsMs: batch.map(({ enqueuedMs }) => nowMs - enqueuedMs),
    });
    try {
      const items = batch.map(({ item }) => item);
      const results = await this.compute(items, instance);
      batch.forEach((entry, i) => entry.resolve(results[i]!));
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    } finally {
      this.running.delete(instance);
      this.advance();
    }
  }
}
