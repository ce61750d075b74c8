import {
  bytesPerValue,
  decodeRows,
  encodeRows,
  type Precision,
  roundRows,
} from '#distill/precision.js';
import { meanOfRanks } from '#distill/ranks.js';
import { InvalidRequestError } from '#runtime/errors.js';
import type { RankBuffers, RankPart } from '../rank-step.js';
import type { Collective, StepMean } from './collective.js';
import { Inbox, type PartKey, type StepPart } from './inbox.js';
import { Outbox } from './outbox.js';
import type { EvaluationPart, Others } from './shared-evaluation.js';
import { type Share, shareOf } from './shares.js';

export interface MeshOptions {
  /** The ranks of every worker; the chief's first. */
  readonly ranks: readonly (readonly number[])[];
  /** Our place among them. */
  readonly index: number;
  /** Steps taken. */
  readonly step: number;
  /** What vectors and means are rounded to. */
  readonly precision: Precision;
  /** That no rank's vector or buffers exceed. */
  readonly maxBytes: number;
}

/** Ends a part, so that no message keeps others waiting for long. */
const maxPartBytes = 2 ** 20;
const chief = 0;

/**
 * The ranks of several workers: a direct reduce-scatter and all-gather. Every
 * worker owns a share of the vector; it gets that share of all ranks' vectors,
 * unsummed, makes their mean in rank order, and sends it to all others. So the
 * sums are those of one worker, and no worker moves more than
 * (W - 1) / W * (own ranks + 1) vectors a step.
 */
export class Mesh implements Collective, Others {
  readonly #options: MeshOptions;
  readonly #inbox: Inbox;
  /** By place; our own stays empty. */
  readonly #outboxes: readonly Outbox<StepPart>[];
  #length = 0;

  constructor(options: MeshOptions) {
    const { ranks, step, maxBytes } = options;
    this.#options = options;
    const maxSource = Math.max(ranks.length, ...ranks.flat());
    this.#inbox = new Inbox(step, maxBytes, maxSource);
    this.#outboxes = ranks.map(() => new Outbox<StepPart>());
  }

  get ranks(): readonly number[] {
    return this.#options.ranks[this.#options.index]!;
  }

  get size(): number {
    return this.#options.ranks.length;
  }

  get place(): number {
    return this.#options.index;
  }

  send(to: number, step: number, kind: EvaluationPart, bytes: Uint8Array) {
    this.#send(to, { step, kind, source: this.place }, bytes);
  }

  hear(source: number, step: number, kind: EvaluationPart) {
    return this.#inbox.take({ step, kind, source });
  }

  /** Whatever goes to the worker at `place`, until the mesh is closed. */
  partsFor(place: number, signal: AbortSignal): AsyncGenerator<StepPart> {
    return this.#outboxes[place]!.read(signal);
  }

  /** @throws InvalidRequestError */
  receive(part: StepPart): void {
    this.#inbox.put(part);
  }

  contribute(step: number, rank: number, result: RankPart): void {
    const { vector, buffers } = result;
    this.#length = vector.length;
    for (const place of this.#places()) {
      const { start, end } = this.#shareOf(place);
      const share = this.#encoded(vector.subarray(start, end));
      this.#send(place, { step, kind: 'vector', source: rank }, share);
    }
    if (this.#options.index === chief) return;
    this.#send(chief, { step, kind: 'buffers', source: rank }, buffers);
  }

  async mean(step: number): Promise<StepMean> {
    const { index } = this.#options;
    const mean = new Float32Array(this.#length);
    const own = await this.#meanOfShare(step, this.#shareOf(index));
    mean.set(own, this.#shareOf(index).start);
    const others = this.#places().filter((place) => place !== index);
    const encoded = this.#encoded(own);
    for (const place of others)
      this.#send(place, { step, kind: 'mean', source: index }, encoded);
    for (const source of others) {
      const share = this.#shareOf(source);
      const values = await this.#take({ step, kind: 'mean', source }, share);
      mean.set(values, share.start);
    }
    const elsewhere = index === chief ? await this.#buffersOfOthers(step) : [];
    this.#inbox.advance(step + 1);
    return { mean, elsewhere };
  }

  /** Whoever waits for others gets the reason. */
  close(reason: Error): void {
    this.#inbox.close(reason);
    for (const outbox of this.#outboxes) outbox.end(reason);
  }

  async #meanOfShare(step: number, share: Share): Promise<Float32Array> {
    const parts: Float32Array[] = [];
    for (let rank = 0; rank < this.#options.ranks.flat().length; rank++) {
      const key = { step, kind: 'vector', source: rank } as const;
      parts.push(await this.#take(key, share));
    }
    return roundRows(meanOfRanks(parts), this.#options.precision);
  }

  async #buffersOfOthers(step: number): Promise<RankBuffers[]> {
    const ranks = this.#options.ranks.slice(1).flat();
    const buffers: RankBuffers[] = [];
    for (const rank of ranks) {
      const key = { step, kind: 'buffers', source: rank } as const;
      buffers.push({ rank, buffers: await this.#inbox.take(key) });
    }
    return buffers;
  }

  async #take(key: PartKey, { start, end }: Share): Promise<Float32Array> {
    const { precision } = this.#options;
    const { buffer, byteLength } = await this.#inbox.take(key);
    const expected = (end - start) * bytesPerValue(precision);
    if (byteLength === expected) {
      const stored =
        precision === 'float32'
          ? new Float32Array(buffer)
          : new Uint16Array(buffer);
      return decodeRows(stored, precision);
    }
    const field = `total_bytes of a ${key.kind}`;
    throw new InvalidRequestError({ field, value: byteLength, expected });
  }

  #send(place: number, key: PartKey, bytes: Uint8Array) {
    const totalBytes = bytes.length;
    for (let offset = 0; offset === 0 || offset < totalBytes;) {
      const data = bytes.subarray(offset, offset + maxPartBytes);
      const part = { ...key, offset, totalBytes, data };
      if (place === this.#options.index) this.#inbox.put(part);
      else this.#outboxes[place]!.push(part);
      offset += maxPartBytes;
    }
  }

  /** As it travels. */
  #encoded(values: Float32Array): Uint8Array {
    const stored = encodeRows(values, this.#options.precision);
    return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  }

  #places(): number[] {
    return this.#options.ranks.map((_, place) => place);
  }

  #shareOf(place: number): Share {
    return shareOf(this.#length, this.#options.ranks.length, place);
  }
}
