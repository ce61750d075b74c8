import type { QueueSnapshot } from '#distill/queue.js';
import type { Delta__Output } from '#proto/rrd/v1/Delta.js';
import type { SubscribeResponse__Output } from '#proto/rrd/v1/SubscribeResponse.js';
import {
  SnapshotReader,
  type SnapshotRest,
} from '#runtime/bank/snapshot-reader.js';
import { fromWireRows } from '#runtime/bank/wire-rows.js';
import { fromWirePrecision } from '#runtime/rpc/wire-precision.js';
import {
  QueueConflictError,
  ServiceUnavailableError,
  VersionEvictedError,
} from '#runtime/errors.js';
import { isRetryable, systemClock } from '#runtime/rpc/retry.js';
import {
  BankClient,
  type BankOptions,
  bankService,
  type BatchRows,
} from './bank-client.js';
import { Backlog, type QueueNews, type RunPlace } from './backlog.js';
import { isAbsence } from './patiently.js';
import { within } from './within.js';

export interface MirrorOptions extends BankOptions {
  /** The commit of a step whose rows were acknowledged. */
  readonly commitMs: number;
  /** A stream ended and is opened again from `version`. */
  readonly onReconnect: (version: number, error: unknown) => void;
}

/** How soon a stream that ended is opened again. */
const reconnectMs = 200;

/** A mirror of a shared queue holds commits of so many times its rows at most. */
const maxBacklog = 2;

/**
 * A queue as the bank orders it. One subscription delivers a snapshot and then
 * every commit; commits are kept until a step of the run asks for them. The
 * bank commits to the run's own queue only what this run handed in, so at most
 * `prefetch` commits wait here, and those that were given to the newest step.
 * To a shared queue others commit too: a mirror that is too far behind them
 * starts again from a snapshot.
 */
export class BankMirror {
  readonly #options: MirrorOptions;
  readonly #client: BankClient;
  readonly #stop = new AbortController();
  #reader: SnapshotReader | undefined;
  #snapshot: QueueSnapshot | undefined;
  /** Undefined until a snapshot is whole. */
  #backlog: Backlog | undefined;
  /** The newest commit that arrived; undefined while a snapshot is wanted. */
  #version: number | undefined;
  #wake = () => {};
  #failure: Error | undefined;
  /** As the last snapshot's header had it. */
  #runsNextStep = 0;

  /**
   * Creates, restores or joins the queue and waits for its snapshot.
   * @throws ServiceUnavailableError, QueueConflictError, what the bank refuses
   */
  static async open(
    options: MirrorOptions,
    signal: AbortSignal,
  ): Promise<BankMirror> {
    const mirror = new BankMirror(options);
    try {
      await mirror.#client.prepare(signal);
      void mirror.#follow();
      const snapshot = () => mirror.#snapshot;
      checkFresh(
        await mirror.#until(snapshot, options.prepareMs, signal),
        options,
      );
      return mirror;
    } catch (error) {
      mirror.close();
      throw error;
    }
  }

  /**
   * Follows a queue that somebody else has made, from the commit behind
   * `place` on: whoever starts it there has the rows up to it.
   */
  static follow(options: MirrorOptions, place: RunPlace): BankMirror {
    const mirror = new BankMirror(options);
    mirror.#version = place.version;
    mirror.#backlog = new Backlog(place);
    void mirror.#follow();
    return mirror;
  }

  private constructor(options: MirrorOptions) {
    this.#options = options;
    this.#client = new BankClient(options);
  }

  /** The queue as it was when this mirror was opened; can be taken once. */
  takeSnapshot(): QueueSnapshot {
    const snapshot = this.#snapshot;
    if (!snapshot) throw new RangeError('no snapshot, or taken already');
    this.#snapshot = undefined;
    return snapshot;
  }

  /** The newest commit that arrived. */
  get version(): number {
    return this.#version ?? 0;
  }

  /** The step whose commit has yet to arrive. */
  get nextStep(): number {
    return this.#opened.nextStep;
  }

  /** The run's first step whose commit the queue at `version` lacks. */
  stepAfter(version: number): number {
    return this.#opened.stepAfter(version);
  }

  /** Bytes of messages, both ways. */
  get bytes(): number {
    return this.#client.bytes;
  }

  /** Hands in the rows of a rank's step; safe to repeat. */
  enqueue(
    step: number,
    rank: number,
    rows: BatchRows,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#client.enqueue(step, rank, rows, signal);
  }

  /**
   * Waits for the commit of `step - staleness` and gives all up to that of
   * `step` that have arrived and that no earlier step was given; again, where
   * the step is taken again, until a later one asks.
   */
  async newsFor(
    step: number,
    staleness: number,
    signal: AbortSignal,
  ): Promise<QueueNews> {
    const { commitMs } = this.#options;
    const backlog = this.#opened;
    const enough = () => backlog.nextStep > step - staleness || undefined;
    await this.#until(enough, commitMs, signal);
    return backlog.newsFor(step);
  }

  get #opened(): Backlog {
    if (!this.#backlog) throw new RangeError('no snapshot yet');
    return this.#backlog;
  }

  /** Frees the queue, or leaves it, if this attempt still owns the run. */
  deleteQueue(): Promise<void> {
    return this.#client.deleteQueue();
  }

  close(): void {
    this.#stop.abort();
    this.#client.close();
  }

  /** Reads the subscription until `close`, through any number of cuts. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        const cut = await this.#readUntilCut(signal);
        this.#options.onReconnect(this.version, cut);
        await systemClock.sleep(reconnectMs, signal);
      }
    } catch (error) {
      this.#failure = error as Error;
      this.#wake();
    }
  }

  /** Returns why the stream ended, if a new one may do better. */
  async #readUntilCut(signal: AbortSignal): Promise<unknown> {
    const { commitMs: idleMs } = this.#options;
    try {
      const from = this.#from();
      const stream = this.#client.subscribe(from, { signal, idleMs });
      for await (const message of stream) this.#receive(message);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (isRetryable(error) || isAbsence(error)) return error;
      if (error instanceof VersionEvictedError && this.#mayStartAgain()) {
        this.#version = undefined;
        this.#reader = undefined;
        return error;
      }
      throw error;
    }
  }

  #from(): SnapshotRest | undefined {
    const version = this.#version;
    if (version !== undefined) return { fromVersion: version };
    return this.#reader?.rest;
  }

  /** A run's own queue can be ahead of nobody but the run. */
  #mayStartAgain(): boolean {
    const isBegun = this.#version !== undefined;
    return !isBegun || (this.#options.spec.shared ?? false);
  }

  #receive({ snapshot, chunk, delta }: SubscribeResponse__Output): void {
    if (snapshot) {
      this.#reader ??= new SnapshotReader(this.#options.spec.featDim);
      this.#reader.begin(snapshot);
      this.#runsNextStep = snapshot.nextStep;
    }
    if (chunk) this.#reader?.add(chunk);
    if (delta) this.#keep(delta);
    const whole = this.#reader?.snapshot;
    if (whole) this.#startFrom(whole);
    this.#wake();
  }

  #startFrom(snapshot: QueueSnapshot): void {
    const { version } = snapshot;
    const nextStep = this.#runsNextStep;
    this.#reader = undefined;
    this.#version = version;
    if (this.#backlog) return this.#backlog.replace(snapshot, nextStep);
    this.#snapshot = snapshot;
    this.#backlog = new Backlog({ version, nextStep });
  }

  #keep(delta: Delta__Output): void {
    if (this.#version === undefined) return this.#reader?.follow(delta);
    const { runId, spec } = this.#options;
    const { version, runId: actual, step, slots, traceparent } = delta;
    if (version <= this.#version) return; // seen before the stream was cut
    if (version !== this.#version + 1) {
      const fields = { version: this.#version + 1, oldestVersion: version };
      throw new VersionEvictedError(fields);
    }
    if (actual !== runId && !spec.shared) {
      const { queue } = spec;
      const fields = { queue, field: 'run', expected: runId, actual };
      throw new QueueConflictError(fields);
    }
    const rows = fromWireRows(delta.rows, {
      field: 'delta.rows',
      featDim: spec.featDim,
      precision: fromWirePrecision(spec.precision),
    });
    this.#version = version;
    const commit = { version, rows, slots, traceparent };
    this.#opened.add(commit, actual === runId ? step : undefined);
    this.#checkBacklog(version);
  }

  /** @throws VersionEvictedError where others are too far ahead of this run */
  #checkBacklog(version: number): void {
    const { capacity = 0, featDim, shared } = this.#options.spec;
    if (!shared || this.#opened.values <= maxBacklog * capacity * featDim)
      return;
    throw new VersionEvictedError({ version, oldestVersion: version });
  }

  /** Waits until `find` finds something in what has arrived. */
  #until<T>(
    find: () => T | undefined,
    ms: number,
    signal: AbortSignal,
  ): Promise<T> {
    const { address } = this.#options;
    const late = (waitedMs: number) =>
      new ServiceUnavailableError({ service: bankService, address, waitedMs });
    return within(this.#found(find), { ms, signal, late });
  }

  async #found<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const value = find();
      if (value !== undefined) return value;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Somebody else's commits in the queue would make it another run. */
function checkFresh(
  { version: actual }: QueueSnapshot,
  { spec: { queue, shared }, resume }: MirrorOptions,
): void {
  if (shared) return;
  const expected = resume?.queue.version ?? 0;
  if (actual === expected) return;
  throw new QueueConflictError({ queue, field: 'version', expected, actual });
}
