import type { Assignment } from '#proto/rrd/v1/Assignment.js';
import type { JoinRequest__Output } from '#proto/rrd/v1/JoinRequest.js';
import type { JoinResponse } from '#proto/rrd/v1/JoinResponse.js';
import type { WeightsDigest__Output } from '#proto/rrd/v1/WeightsDigest.js';
import { WorkerLostError } from '#runtime/errors.js';
import { Outbox } from './outbox.js';
import type { Candidate } from './settings.js';

/** What a member says to its chief, and what it is told. */
export type FromMember = JoinRequest__Output;
export type ToMember = JoinResponse;

const maxChunkBytes = 2 ** 20;

export interface SeatOptions {
  /** The shortest time between two signs of life. */
  readonly heartbeatMs: number;
  /** Silent for so long, the worker is lost. */
  readonly leaseMs: number;
  /** Something was said that its chief acts on. */
  readonly onNews: () => void;
  /** Once: nothing more is heard of it. */
  readonly onLost: (error: Error) => void;
}

/** A worker that has joined a run, as its chief sees it. */
export class Seat {
  readonly worker: string;
  readonly address: string;
  /** The newest generation whose state it has loaded. */
  readyFor = 0;
  /** The newest generation that it cannot go on with. */
  brokenIn = 0;
  digest: WeightsDigest__Output | undefined;
  #rests = 0;
  #restsUntilMs = 0;
  readonly #options: SeatOptions;
  readonly #outbox = new Outbox<JoinResponse>();
  readonly #beat: NodeJS.Timeout;
  #silence: NodeJS.Timeout | undefined;
  #left = false;

  constructor({ worker, address }: Candidate, options: SeatOptions) {
    this.worker = worker;
    this.address = address;
    this.#options = options;
    const beat = () => this.#outbox.push({ heartbeat: {} });
    this.#beat = setInterval(beat, options.heartbeatMs);
    this.#expectWord();
  }

  /** It gets no ranks for now. */
  get isResting(): boolean {
    return performance.now() < this.#restsUntilMs;
  }

  get hasRested(): boolean {
    return this.#rests > 0;
  }

  /** Twice as long each time, from twice `ms` up to 64 times. */
  rest(ms: number): void {
    this.#rests = Math.min(this.#rests + 1, 6);
    this.#restsUntilMs = performance.now() + ms * 2 ** this.#rests;
  }

  /** What the worker is told. */
  async *messages(caller: AbortSignal): AsyncGenerator<JoinResponse> {
    try {
      yield* this.#outbox.read(caller);
    } finally {
      this.#leave(new Error('its stream ended'));
    }
  }

  /** Hears the worker out. */
  async listen(requests: AsyncIterable<JoinRequest__Output>): Promise<void> {
    try {
      for await (const request of requests) this.#hear(request);
      this.#leave(new Error('it left'));
    } catch (error) {
      this.#leave(error as Error);
    }
  }

  deal(assignment: Assignment, state: Uint8Array): void {
    this.#outbox.push({ assignment });
    for (let start = 0; start < state.length; start += maxChunkBytes) {
      this.#outbox.push({
        state: state.subarray(start, start + maxChunkBytes),
      });
    }
  }

  go(generation: number): void {
    this.#outbox.push({ go: { generation } });
  }

  /** Lets the worker go: with the run at its end, or for a reason. */
  dismiss(reason?: Error): void {
    this.#outbox.end(reason);
    this.#leave(reason ?? new Error('the run is over'));
  }

  #hear({ ready, broken, digest }: JoinRequest__Output): void {
    this.#expectWord();
    if (ready) this.readyFor = ready.generation;
    if (broken) this.brokenIn = broken.generation;
    if (digest) this.digest = digest;
    if (ready || broken || digest) this.#options.onNews();
  }

  #expectWord(): void {
    const { leaseMs: silentMs } = this.#options;
    clearTimeout(this.#silence);
    if (this.#left) return;
    const lost = new WorkerLostError({ worker: this.worker, silentMs });
    this.#silence = setTimeout(() => this.dismiss(lost), silentMs);
  }

  #leave(error: Error): void {
    if (this.#left) return;
    this.#left = true;
    clearInterval(this.#beat);
    clearTimeout(this.#silence);
    this.#options.onLost(error);
  }
}
