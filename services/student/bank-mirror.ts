import type { Commit, QueueSnapshot } from '#distill/queue.js';
import type { Delta__Output } from '#proto/rrd/v1/Delta.js';
import type { SubscribeResponse__Output } from '#proto/rrd/v1/SubscribeResponse.js';
import { SnapshotReader } from '#runtime/bank/snapshot-reader.js';
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
import { isAbsence } from './patiently.js';
import { within } from './within.js';

export interface MirrorOptions extends BankOptions {
  /** The commit of a step whose rows were acknowledged. */
  readonly commitMs: number;
  /** A stream ended and is opened again from `version`. */
  readonly onReconnect: (version: number, error: unknown) => void;
}

/** What the bank committed for one step. */
export interface Committed extends Commit {
  /** Where they belong, in a memory of all samples. */
  readonly slots: readonly number[];
  /** W3C trace context of the commit; empty if it was not traced. */
  readonly traceparent: string;
}

/** The queue as a step shall see it. */
export interface QueueNews {
  /** What no earlier step was given, in order. */
  readonly commits: readonly Committed[];
  /** Steps whose commits are still missing. */
  readonly lag: number;
}

/** How soon a stream that ended is opened again. */
const reconnectMs = 200;

/**
 * A queue of the run as the bank orders it. One subscription delivers a snapshot
 * and then every commit; commits are kept by step until they are asked for, so
 * how far the bank is ahead changes nothing. The bank commits only what this
 * run handed in, so at most `prefetch` commits wait here, and those that were
 * given to the newest step.
 */
export class BankMirror {
  readonly #options: MirrorOptions;
  readonly #client: BankClient;
  readonly #stop = new AbortController();
  readonly #arrived = new Map<number, Committed>();
  readonly #reader: SnapshotReader;
  #version: number | undefined;
  /** The step whose commit comes next. */
  #nextStep: number;
  /** The newest step that asked, and the newest commit that was given. */
  #asked = -1;
  #given = -1;
  #wake = () => {};
  #failure: Error | undefined;

  /**
   * Creates or restores the queue and waits for its snapshot.
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
      const snapshot = () => mirror.#reader.snapshot;
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
   * `version` on: whoever starts it there has the rows up to it.
   */
  static follow(options: MirrorOptions, version: number): BankMirror {
    const mirror = new BankMirror(options);
    mirror.#version = version;
    // Every step of the run is one commit.
    mirror.#nextStep = version;
    void mirror.#follow();
    return mirror;
  }

  private constructor(options: MirrorOptions) {
    this.#options = options;
    this.#nextStep = options.resume?.step ?? 0;
    this.#client = new BankClient(options);
    this.#reader = new SnapshotReader(options.spec.featDim);
  }

  /** The queue as it was when this mirror was opened. */
  get snapshot(): QueueSnapshot {
    const { snapshot } = this.#reader;
    if (!snapshot) throw new RangeError('no snapshot yet');
    return snapshot;
  }

  /** The newest commit that arrived. */
  get version(): number {
    return this.#version ?? 0;
  }

  /** The step whose commit has yet to arrive. */
  get nextStep(): number {
    return this.#nextStep;
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
    if (step > this.#asked) this.#forget(this.#given);
    this.#asked = Math.max(this.#asked, step);
    const enough = () => this.#nextStep > step - staleness || undefined;
    await this.#until(enough, commitMs, signal);
    const newest = Math.min(step, this.#nextStep - 1);
    this.#given = Math.max(this.#given, newest);
    const commits = [...this.#arrived]
      .filter(([of]) => of <= newest)
      .map(([, commit]) => commit);
    return { commits, lag: step - newest };
  }

  #forget(newest: number): void {
    for (const step of this.#arrived.keys()) {
      if (step <= newest) this.#arrived.delete(step);
    }
  }

  /** Frees the queue, if this attempt still owns it. */
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
      const stream = this.#client.subscribe(this.#version, { signal, idleMs });
      for await (const message of stream) this.#receive(message);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (isRetryable(error) || isAbsence(error)) return error;
      throw error;
    }
  }

  #receive({ snapshot, chunk, delta }: SubscribeResponse__Output): void {
    if (snapshot) this.#reader.begin(snapshot);
    if (chunk) this.#reader.add(chunk);
    this.#version ??= this.#reader.snapshot?.version;
    if (delta) this.#keep(delta);
    this.#wake();
  }

  #keep({ version, runId: actual, step, ...delta }: Delta__Output): void {
    const { runId, spec } = this.#options;
    if (version <= this.version) return; // seen before the stream was cut
    if (version !== this.version + 1) {
      const fields = { version: this.version + 1, oldestVersion: version };
      throw new VersionEvictedError(fields);
    }
    if (actual !== runId) {
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
    const { slots, traceparent } = delta;
    this.#nextStep = step + 1;
    this.#arrived.set(step, { version, rows, slots, traceparent });
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
  { spec: { queue }, resume }: MirrorOptions,
): void {
  const expected = resume?.queue.version ?? 0;
  if (actual === expected) return;
  throw new QueueConflictError({ queue, field: 'version', expected, actual });
}
