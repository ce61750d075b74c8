import type { StoredRows } from '#distill/precision.js';
import { InvalidRequestError, VersionEvictedError } from '#runtime/errors.js';

/** One commit: what makes version - 1 into version. */
export interface Delta {
  readonly version: number;
  readonly runId: string;
  readonly step: number;
  /** [n, featDim], all ranks in rank order. */
  readonly rows: StoredRows;
  /** Where the rows belong, in a memory of all samples. */
  readonly slots?: readonly number[];
  /** W3C trace context of the commit; empty if it was not traced. */
  readonly traceparent: string;
}

/**
 * The newest commits of a queue, once for all subscribers, bounded in bytes
 * (but never less than the newest commit).
 */
export class History {
  readonly #maxBytes: number;
  readonly #deltas = new Map<number, Delta>();
  #oldest: number;
  #newest: number;
  #bytes = 0;

  /** @param version the queue's version before its first commit here */
  constructor(version: number, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#oldest = version;
    this.#newest = version;
  }

  /** @param commits of the versions up to `version`, without a gap */
  static of(
    version: number,
    commits: readonly Delta[],
    maxBytes: number,
  ): History {
    const history = new History(version - commits.length, maxBytes);
    for (const commit of commits) history.push(commit);
    return history;
  }

  /** The newest commits in order, at most `maxBytes` of rows. */
  recent(maxBytes: number): Delta[] {
    const recent: Delta[] = [];
    let bytes = 0;
    for (let version = this.#newest; version > this.#oldest; version--) {
      const delta = this.#deltas.get(version)!;
      bytes += delta.rows.byteLength;
      if (bytes > maxBytes) break;
      recent.unshift(delta);
    }
    return recent;
  }

  /** Undefined before the first commit here. */
  get newest(): Delta | undefined {
    return this.#deltas.get(this.#newest);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends the commit of the next version. */
  push(delta: Delta): void {
    this.#deltas.set(delta.version, delta);
    this.#bytes += delta.rows.byteLength;
    this.#newest = delta.version;
    while (this.#bytes > this.#maxBytes && this.#oldest + 1 < this.#newest) {
      this.#evict(this.#oldest + 1);
    }
  }

  /**
   * The commit behind `version`; undefined if there is none yet.
   * @throws VersionEvictedError if it is no longer held; InvalidRequestError
   *   for a version that does not exist yet
   */
  after(version: number): Delta | undefined {
    if (version === this.#newest) return undefined;
    if (version > this.#newest) {
      throw new InvalidRequestError({
        field: 'from_version',
        value: version,
        expected: `at most ${this.#newest}`,
      });
    }
    const delta = this.#deltas.get(version + 1);
    if (delta === undefined) {
      throw new VersionEvictedError({ version, oldestVersion: this.#oldest });
    }
    return delta;
  }

  #evict(version: number): void {
    this.#bytes -= this.#deltas.get(version)?.rows.byteLength ?? 0;
    this.#deltas.delete(version);
    this.#oldest = version;
  }
}
