import type { Experiment } from '#distill/experiment.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { HostTensor } from '#distill/tensors.js';
import type { Delta__Output } from '#proto/rrd/v1/Delta.js';
import type { QueueSpec } from '#proto/rrd/v1/QueueSpec.js';
import type { RestoreQueueRequest } from '#proto/rrd/v1/RestoreQueueRequest.js';
import type { SubscribeResponse__Output } from '#proto/rrd/v1/SubscribeResponse.js';
import {
  QueueConflictError,
  ServiceUnavailableError,
  VersionEvictedError,
} from '#runtime/errors.js';
import {
  connect,
  type CallOptions,
  type RpcClient,
} from '#runtime/rpc/client.js';
import { isRetryable, systemClock } from '#runtime/rpc/retry.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import { isAbsence, patiently } from './patiently.js';
import { SnapshotReader } from './snapshot-reader.js';
import { within } from './within.js';

export interface BankOptions {
  readonly address: string;
  readonly runId: string;
  /** Fences older owners of the run. */
  readonly attempt: number;
  readonly bank: Experiment['bank'];
  readonly teacherDigest: string;
  /** The queue of a checkpoint and the step it goes on with. */
  readonly resume?: { readonly queue: QueueSnapshot; readonly step: number };
  /** One call, through all retries; also the first snapshot. */
  readonly callMs: number;
  /** The commit of a step whose rows were acknowledged. */
  readonly commitMs: number;
  /** A stream was cut off and is opened again from `version`. */
  onReconnect(version: number, error: unknown): void;
}

/** What the bank committed for one step. */
export interface Committed {
  readonly version: number;
  readonly rows: Float32Array;
  /** W3C trace context of the commit; empty if it was not traced. */
  readonly traceparent: string;
}

const service = 'rrd.v1.MemoryBankService';

/** Rows of a restored queue travel in chunks of about this size. */
const chunkBytes = 2 ** 20;

/** How soon a cut stream is opened again. */
const reconnectMs = 200;

/**
 * The run's queue as the bank orders it. One subscription delivers a snapshot
 * and then every commit; commits are kept by step until they are asked for, so
 * how far the bank is ahead changes nothing. The bank commits only what this
 * run handed in, so at most `prefetch` commits wait here.
 */
export class BankMirror {
  readonly #options: BankOptions;
  readonly #client: RpcClient<typeof service>;
  readonly #stop = new AbortController();
  readonly #arrived = new Map<number, Committed>();
  readonly #reader: SnapshotReader;
  #version: number | undefined;
  #wake = () => {};
  #failure: unknown;

  /** Creates or restores the run's queue and waits for its snapshot. */
  static async open(
    options: BankOptions,
    signal: AbortSignal,
  ): Promise<BankMirror> {
    const mirror = new BankMirror(options);
    try {
      await mirror.#prepare(signal);
      void mirror.#follow();
      await mirror.#until(
        () => mirror.#reader.snapshot,
        options.callMs,
        signal,
      );
      return mirror;
    } catch (error) {
      mirror.close();
      throw error;
    }
  }

  private constructor(options: BankOptions) {
    this.#options = options;
    this.#client = connect(service, options.address);
    this.#reader = new SnapshotReader(options.bank.featDim);
  }

  /** The queue as it was when this mirror was opened. */
  get snapshot(): QueueSnapshot {
    const { snapshot } = this.#reader;
    if (!snapshot) throw new RangeError('no snapshot yet');
    return snapshot;
  }

  /** Bytes of messages, both ways. */
  get bytes(): number {
    return this.#client.bytes.sent + this.#client.bytes.received;
  }

  /** Hands in the rows of a step; safe to repeat. */
  async enqueue(
    step: number,
    rows: HostTensor,
    signal: AbortSignal,
  ): Promise<void> {
    const { runId, attempt, teacherDigest } = this.#options;
    const request = {
      queue: runId,
      epoch: attempt,
      batchId: { runId, step, rank: 0 },
      teacherDigest,
      rows: toWire(rows),
    };
    await this.#call(
      (options) => this.#client.enqueue(request, options),
      signal,
    );
  }

  /** Waits for the commit of `step` and hands it out, once. */
  async committed(step: number, signal: AbortSignal): Promise<Committed> {
    const { commitMs } = this.#options;
    const committed = await this.#until(
      () => this.#arrived.get(step),
      commitMs,
      signal,
    );
    this.#arrived.delete(step);
    return committed;
  }

  /** The newest commit that arrived. */
  get version(): number {
    return this.#version ?? 0;
  }

  /** Frees the queue, if this attempt still owns it. Not tried for long. */
  async deleteQueue(): Promise<void> {
    const { runId: queue, attempt } = this.#options;
    const options = { deadlineMs: 2_000 };
    const { state } = await this.#client.getQueue({ queue }, options);
    if (state?.epoch !== attempt) return;
    await this.#client.deleteQueue({ queue }, options);
  }

  close(): void {
    this.#stop.abort();
    this.#client.close();
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    const { resume, attempt, runId } = this.#options;
    const spec = this.#spec();
    if (resume) {
      await this.#call(
        (options) =>
          this.#client.restoreQueue(
            restoration(spec, attempt, resume),
            options,
          ),
        signal,
      );
      return;
    }
    if (attempt > 1) {
      // An older attempt got nowhere; its queue is of no use to anyone.
      await this.#call(
        (options) => this.#client.deleteQueue({ queue: runId }, options),
        signal,
      );
    }
    await this.#call(
      (options) => this.#client.createQueue({ spec, epoch: attempt }, options),
      signal,
    );
  }

  #spec(): QueueSpec {
    const { runId, bank, teacherDigest } = this.#options;
    return {
      queue: runId,
      capacity: bank.capacity,
      featDim: bank.featDim,
      seed: bank.seed,
      init: bank.init === 'rows' ? 'QUEUE_INIT_ROWS' : 'QUEUE_INIT_COLUMNS',
      worldSize: 1,
      teacherDigest,
      projectionSeed: bank.projectionSeed,
    };
  }

  /** Reads the subscription until `close`, through any number of cuts. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        const cut = await this.#read(signal).catch((error: unknown) => error);
        signal.throwIfAborted();
        if (cut && !isRetryable(cut) && !isAbsence(cut)) throw cut;
        this.#options.onReconnect(this.#version ?? 0, cut);
        await systemClock.sleep(reconnectMs, signal);
      }
    } catch (error) {
      this.#failure = error;
      this.#wake();
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const request = {
      queue: this.#options.runId,
      ...(this.#version !== undefined && { fromVersion: this.#version }),
    };
    const messages = this.#client.subscribe(request, {
      signal,
      idleMs: this.#options.commitMs,
    });
    for await (const message of messages) this.#receive(message);
  }

  #receive({ snapshot, chunk, delta }: SubscribeResponse__Output): void {
    if (snapshot) this.#reader.begin(snapshot);
    if (chunk) this.#reader.add(chunk);
    this.#version ??= this.#reader.snapshot?.version;
    if (delta) this.#keep(delta);
    this.#wake();
  }

  #keep(delta: Delta__Output): void {
    const { runId, bank } = this.#options;
    const version = this.#version ?? 0;
    if (delta.version <= version) return; // seen before the stream was cut
    if (delta.version !== version + 1) {
      throw new VersionEvictedError({ version, oldestVersion: delta.version });
    }
    if (delta.runId !== runId) {
      const fields = { field: 'run', expected: runId, actual: delta.runId };
      throw new QueueConflictError({ queue: runId, ...fields });
    }
    const shape = [null, bank.featDim];
    const rows = fromWire(delta.rows, {
      field: 'delta.rows',
      dataType: 'float32',
      shape,
    });
    this.#version = delta.version;
    this.#arrived.set(delta.step, {
      version: delta.version,
      rows: rows.data,
      traceparent: delta.traceparent,
    });
  }

  /** Waits until `find` finds something in what has arrived. */
  #until<T>(
    find: () => T | undefined,
    ms: number,
    signal: AbortSignal,
  ): Promise<T> {
    const { address } = this.#options;
    const late = (waitedMs: number) =>
      new ServiceUnavailableError({ service, address, waitedMs });
    return within(this.#found(find), { ms, signal, late });
  }

  async #found<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const value = find();
      if (value !== undefined) return value;
      if (this.#failure) throw this.#failure as Error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #call<T>(
    call: (options: CallOptions) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { address, callMs } = this.#options;
    return patiently({ service, address, ms: callMs, signal }, call);
  }
}

/** The messages that restore a checkpoint's queue. */
async function* restoration(
  spec: QueueSpec,
  epoch: number,
  { queue, step }: NonNullable<BankOptions['resume']>,
): AsyncGenerator<RestoreQueueRequest> {
  const { rows, featDim, pointer, version } = queue;
  yield { header: { spec, epoch, version, pointer, nextStep: step } };
  const rowsPerChunk = Math.max(1, Math.floor(chunkBytes / (4 * featDim)));
  for (let at = 0; at < rows.length; at += rowsPerChunk * featDim) {
    const data = rows.subarray(at, at + rowsPerChunk * featDim);
    yield { chunk: toWire({ shape: [data.length / featDim, featDim], data }) };
  }
}
