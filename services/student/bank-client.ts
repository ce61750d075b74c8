import type { Experiment } from '#distill/experiment.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { HostTensor } from '#distill/tensors.js';
import type { QueueSpec } from '#proto/rrd/v1/QueueSpec.js';
import type { SubscribeResponse__Output } from '#proto/rrd/v1/SubscribeResponse.js';
import { restoration } from '#runtime/bank/restoration.js';
import {
  connect,
  type CallOptions,
  type RpcClient,
} from '#runtime/rpc/client.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { patiently } from './patiently.js';

export interface BankOptions {
  readonly address: string;
  readonly tls: ClientTls | undefined;
  /** Also the name of the run's queue. */
  readonly runId: string;
  /** Fences older owners of the run. */
  readonly attempt: number;
  readonly bank: Experiment['bank'];
  /** Ranks whose rows make a commit. */
  readonly worldSize: number;
  readonly teacherDigest: string;
  /** The queue of a checkpoint and the step it goes on with. */
  readonly resume?: { readonly queue: QueueSnapshot; readonly step: number };
  /** One call, through all retries. */
  readonly callMs: number;
}

export const bankService = 'rrd.v1.MemoryBankService';

/** The run's queue at the bank. */
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

  /** Makes the queue, as the checkpoint has it or else from its seed. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { resume, attempt: epoch, runId: queue } = this.#options;
    const client = this.#client;
    const spec = this.#spec();
    if (resume) {
      await this.#call(signal, (options) =>
        client.restoreQueue(restoration({ spec, epoch, ...resume }), options),
      );
      return;
    }
    if (epoch > 1) {
      // An older attempt got nowhere; its queue is of no use to anyone.
      await this.#call(signal, (options) =>
        client.deleteQueue({ queue, epoch }, options),
      );
    }
    await this.#call(signal, (options) =>
      client.createQueue({ spec, epoch }, options),
    );
  }

  /** Hands in the rows of a rank's step; safe to repeat. */
  async enqueue(
    step: number,
    rank: number,
    rows: HostTensor,
    signal: AbortSignal,
  ): Promise<void> {
    const { runId, attempt, teacherDigest } = this.#options;
    const request = {
      queue: runId,
      epoch: attempt,
      batchId: { runId, step, rank },
      teacherDigest,
      rows: toWire(rows),
    };
    await this.#call(signal, (options) =>
      this.#client.enqueue(request, options),
    );
  }

  /** A snapshot, or what follows `fromVersion`; then every commit. */
  subscribe(
    fromVersion: number | undefined,
    options: CallOptions,
  ): AsyncIterable<SubscribeResponse__Output> {
    const queue = this.#options.runId;
    const request =
      fromVersion === undefined ? { queue } : { queue, fromVersion };
    return this.#client.subscribe(request, options);
  }

  /**
   * Frees the queue. Not tried for long.
   * @throws StaleEpochError if a later attempt owns it by now
   */
  async deleteQueue(): Promise<void> {
    const { runId: queue, attempt } = this.#options;
    const options = { deadlineMs: 2_000 };
    await this.#client.deleteQueue({ queue, epoch: attempt }, options);
  }

  close(): void {
    this.#client.close();
  }

  #spec(): QueueSpec {
    const { runId, bank, worldSize, teacherDigest } = this.#options;
    return {
      queue: runId,
      capacity: bank.capacity,
      featDim: bank.featDim,
      seed: bank.seed,
      init: bank.init === 'rows' ? 'QUEUE_INIT_ROWS' : 'QUEUE_INIT_COLUMNS',
      worldSize,
      teacherDigest,
      projectionSeed: bank.projectionSeed,
    };
  }

  #call<T>(
    signal: AbortSignal,
    call: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const { address, callMs: ms } = this.#options;
    return patiently({ service: bankService, address, ms, signal }, call);
  }
}
