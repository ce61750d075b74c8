import { Notifier } from '#runtime/bus/notifier.js';
import { InvalidRequestError } from '#runtime/errors.js';
import type { EvaluationPart } from './shared-evaluation.js';

export type PartKind = 'vector' | 'mean' | 'buffers' | EvaluationPart;

/** What parts belong together. */
export interface PartKey {
  readonly step: number;
  readonly kind: PartKind;
  /** A rank; else the place of the worker that made it. */
  readonly source: number;
}

/** Some of its bytes. */
export interface StepPart extends PartKey {
  readonly offset: number;
  readonly totalBytes: number;
  readonly data: Uint8Array;
}

interface Coming {
  readonly bytes: Uint8Array<ArrayBuffer>;
  received: number;
}

/**
 * Parts of steps as other workers send them, joined, and waited for. Parts of
 * one thing come in order. There is room for the step that is being taken and
 * the one behind it: nobody can be further ahead of us than that.
 */
export class Inbox {
  readonly #coming = new Map<string, Coming>();
  readonly #arrived = new Notifier();
  readonly #closed = new AbortController();

  /**
   * @param maxBytes of one thing
   * @param maxSource the highest rank or place
   */
  constructor(
    private step: number,
    private readonly maxBytes: number,
    private readonly maxSource: number,
  ) {}

  /** @throws InvalidRequestError for a part that has no place here */
  put(part: StepPart): void {
    this.#check(part);
    const name = nameOf(part);
    const { totalBytes, offset, data } = part;
    if (!(totalBytes <= this.maxBytes))
      throw refused('total_bytes', totalBytes, `at most ${this.maxBytes}`);
    const coming = this.#coming.get(name) ?? {
      bytes: new Uint8Array(totalBytes),
      received: 0,
    };
    const { bytes, received } = coming;
    if (totalBytes !== bytes.length)
      throw refused('total_bytes', totalBytes, `${bytes.length}, as before`);
    if (offset !== received)
      throw refused('offset', offset, `${received}, the next one`);
    if (offset + data.length > totalBytes)
      throw refused('data', `${data.length} bytes`, 'no more than the total');
    bytes.set(data, offset);
    coming.received += data.length;
    this.#coming.set(name, coming);
    if (coming.received === totalBytes) this.#arrived.notify();
  }

  /** Waits until all of it is there, and hands it out, once. */
  async take(key: PartKey): Promise<Uint8Array<ArrayBuffer>> {
    const name = nameOf(key);
    const { signal } = this.#closed;
    for (;;) {
      signal.throwIfAborted();
      const { bytes, received = 0 } = this.#coming.get(name) ?? {};
      if (bytes && received === bytes.length) {
        this.#coming.delete(name);
        return bytes;
      }
      await this.#arrived.wait(signal);
    }
  }

  /** The step before `step` is over. */
  advance(step: number): void {
    this.step = step;
  }

  /** Whoever waits gets the reason. */
  close(reason: Error): void {
    this.#closed.abort(reason);
    this.#coming.clear();
  }

  #check({ step, source }: StepPart): void {
    const { step: current, maxSource } = this;
    if (step !== current && step !== current + 1)
      throw refused('step', step, `${current} or ${current + 1}`);
    if (source > maxSource)
      throw refused('source', source, `at most ${maxSource}`);
  }
}

function nameOf({ step, kind, source }: PartKey): string {
  return `${step}/${kind}/${source}`;
}

function refused(field: string, value: string | number, expected: string) {
  return new InvalidRequestError({ field, value, expected });
}
