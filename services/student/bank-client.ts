import { encodeRows } from '#distill/precision.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { HostTensor } from '#distill/tensors.js';
import type { QueueSpec } from '#proto/rrd/v1/QueueSpec.js';
import type { SubscribeResponse__Output } from '#proto/rrd/v1/SubscribeResponse.js';
import { restoration } from '#runtime/bank/restoration.js';
import type { SnapshotRest } from '#runtime/bank/snapshot-reader.js';
import { fromWirePrecision } from '#runtime/rpc/wire-precision.js';
import {
  connect,
  type CallOptions,
  type RpcClient,
} from '#runtime/rpc/client.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { toWireAs } from '#runtime/rpc/tensor-codec.js';
import { patiently, type PatientCall } from './patiently.js';

export interface BankOptions {
  readonly address: string;
  readonly tls: ClientTls | undefined;
  readonly runId: string;
  /** Fences older owners of the run. */
  readonly attempt: number;
  /** The queue, and what it is. */
  readonly spec: BankSpec;
  /** The queue of a checkpoint and the step it goes on with. */
  readonly resume?: { readonly queue: QueueSnapshot; readonly step: number };
  /** Making or restoring the queue, by a bank that is there. */
  readonly prepareMs: number;
  /** Any call, through all retries. */
  readonly callMs: number;
}

/** One rank's rows of a step. */
export interface BatchRows {
  /** float32 [n, featDim]; rounded to the queue's precision on its way. */
  readonly rows: HostTensor;
  /** Whose they are, in a memory of all samples. */
  readonly slots?: readonly number[];
}

/** Every field of it, but those of another kind of queue. */
export type BankSpec = QueueSpec &
  Required<Pick<QueueSpec, 'queue' | 'featDim' | 'teacherDigest'>>;

export const bankService = 'rrd.v1.MemoryBankService';

/** A queue of the run at the bank. */
export class BankClient {
  readonly #options: BankOptions;
  readonly #client: RpcClient<typeof bankService>;

  constructor(options: BankOptions) {
    this.#options = options;
    this.#client = connect(bankService, options.address, {
      tls: options.tls,
    });
  }

  /** Bytes of messages, both ways. */
  get bytes(): number {
    return this.#client.bytes.sent + this.#client.bytes.received;
  }

  /**
   * Makes the queue, as the checkpoint has it or else from its seed, or joins
   * it where it is shared.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const { resume, runId, attempt: epoch, spec } = this.#options;
    const { queue } = spec;
    const client = this.#client;
    const { prepareMs: attemptMs, callMs: ms } = this.#options;
    const wait = { ms, attemptMs, signal };
    if (spec.shared) {
      // Its rows are the other runs' too: what a checkpoint has is history.
      const member = { runId, epoch, nextStep: resume?.step ?? 0 };
      await this.#call(wait, (options) =>
        client.createQueue({ spec, epoch: 0, member }, options),
      );
      return;
    }
    if (resume) {
      await this.#call(wait, (options) =>
        client.restoreQueue(restoration({ spec, epoch, ...resume }), options),
      );
      return;
    }
    if (epoch > 1) {
      // An older attempt got nowhere; its queue is of no use to anyone.
      await this.#call(wait, (options) =>
        client.deleteQueue({ queue, epoch }, options),
      );
    }
    await this.#call(wait, (options) =>
      client.createQueue({ spec, epoch }, options),
    );
  }

  /** Hands in the rows of a rank's step; safe to repeat. */
  async enqueue(
    step: number,
    rank: number,
    { rows, slots }: BatchRows,
    signal: AbortSignal,
  ): Promise<void> {
    const { runId, attempt, spec } = this.#options;
    const { queue, teacherDigest, projectionSeed } = spec;
    const precision = fromWirePrecision(spec.precision);
    const data = encodeRows(rows.data as Float32Array, precision);
    const request = {
      ...{ queue, epoch: attempt, teacherDigest },
      ...(projectionSeed !== undefined && { projectionSeed }),
      batchId: { runId, step, rank },
      rows: toWireAs(precision, { shape: rows.shape, data }),
      ...(slots && { slots: [...slots] }),
    };
    const wait = { ms: this.#options.callMs, signal };
    await this.#call(wait, (options) => this.#client.enqueue(request, options));
  }

  /** A snapshot, its rest, or what follows a version; then every commit. */
  subscribe(
    from: SnapshotRest | undefined,
    options: CallOptions,
  ): AsyncIterable<SubscribeResponse__Output> {
    const { runId, spec } = this.#options;
    const request = { queue: spec.queue, runId, ...from };
    return this.#client.subscribe(request, options);
  }

  /**
   * Frees the queue, or leaves a shared one. Not tried for long.
   * @throws StaleEpochError if a later attempt owns it by now
   */
  async deleteQueue(): Promise<void> {
    const { spec, attempt, runId } = this.#options;
    const { queue, shared } = spec;
    const request = { queue, epoch: attempt, ...(shared && { runId }) };
    await this.#client.deleteQueue(request, { deadlineMs: 2_000 });
  }

  close(): void {
    this.#client.close();
  }

  #call<T>(
    wait: Pick<PatientCall, 'ms' | 'attemptMs' | 'signal'>,
    call: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const { address } = this.#options;
    return patiently({ service: bankService, address, ...wait }, call);
  }
}
