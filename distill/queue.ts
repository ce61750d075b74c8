import { rngFrom } from './data/rng.js';
import { type Precision, roundRows, type StoredRows } from './precision.js';
import { drawTensor } from './tensors.js';

/** What a queue is at version 0. */
export interface QueueOptions {
  /** Rows held (K); at least 1. */
  readonly capacity: number;
  /** Width of a row (d); at least 1. */
  readonly featDim: number;
  readonly seed: number;
  /**
   * Normal draws, normalised by row, or by column over all rows as the
   * reference code does (rows then have norm sqrt(d / K) on average).
   */
  readonly init: 'rows' | 'columns';
  /** What the rows are rounded to; float32 without it. */
  readonly precision?: Precision;
}

/** A queue's whole content, for snapshots and checkpoints. */
export interface QueueSnapshot<Rows extends StoredRows = Float32Array> {
  /** [capacity, featDim] in slot order. */
  readonly rows: Rows;
  readonly featDim: number;
  /** The slot that the next row goes to. */
  readonly pointer: number;
  /** Commits so far. */
  readonly version: number;
}

/** What makes version - 1 of a queue into version. */
export interface Commit<Rows extends StoredRows = Float32Array> {
  readonly version: number;
  /** [n, featDim] */
  readonly rows: Rows;
}

/** How a queue comes to a newer version: commit by commit, or all at once. */
export type QueueUpdate<Rows extends StoredRows = Float32Array> =
  Commit<Rows> | QueueSnapshot<Rows>;

/**
 * A ring of the newest `capacity` rows. The bank and every student's mirror
 * use this class; the same enqueues on both give the same values, which the bank
 * may hold as halves.
 *
 * A batch need not divide the capacity (the reference asserts that it does):
 * it wraps around, and of a batch larger than the queue the last rows remain.
 */
export class FifoQueue<Rows extends StoredRows = Float32Array> {
  readonly capacity: number;
  readonly featDim: number;
  readonly #rows: Rows;
  #pointer: number;
  #version: number;

  private constructor(snapshot: QueueSnapshot<Rows>) {
    const { rows, featDim, pointer, version } = snapshot;
    const capacity = rows.length / featDim;
    if (!(capacity >= 1 && Number.isInteger(capacity))) {
      throw new RangeError(`${rows.length} values are no rows of ${featDim}`);
    }
    if (!(Number.isInteger(pointer) && pointer >= 0 && pointer < capacity)) {
      throw new RangeError(`pointer ${pointer} in ${capacity} slots`);
    }
    this.capacity = capacity;
    this.featDim = featDim;
    this.#rows = rows;
    this.#pointer = pointer;
    this.#version = version;
  }

  /** A queue full of seeded rows: version 0, pointer 0. */
  static create(options: QueueOptions): FifoQueue {
    const rows = seededRows(options);
    return new FifoQueue({ ...options, rows, pointer: 0, version: 0 });
  }

  /** A queue that goes on from a snapshot, which is copied. */
  static restore(snapshot: QueueSnapshot): FifoQueue {
    return new FifoQueue({ ...snapshot, rows: snapshot.rows.slice() });
  }

  /** Likewise, without the copy: the rows are the queue's own from here on. */
  static adopt<Rows extends StoredRows>(
    snapshot: QueueSnapshot<Rows>,
  ): FifoQueue<Rows> {
    return new FifoQueue(snapshot);
  }

  /** The live rows [capacity, featDim] in slot order: read only, not a copy. */
  get rows(): Rows {
    return this.#rows;
  }

  get pointer(): number {
    return this.#pointer;
  }

  /** Everything but the rows. */
  get place(): Omit<QueueSnapshot, 'rows'> {
    const { featDim, pointer, version } = this;
    return { featDim, pointer, version };
  }

  get version(): number {
    return this.#version;
  }

  /**
   * Commits a batch of rows as the next version, which is returned.
   * @param batch [n, featDim], held as the queue's; n may be anything, 0 included
   */
  enqueue(batch: Rows): number {
    const count = batch.length / this.featDim;
    if (!Number.isInteger(count)) {
      throw new RangeError(
        `${batch.length} values are no rows of ${this.featDim}`,
      );
    }
    let slot = this.#pointer;
    for (let row = 0; row < count; row++) {
      const start = row * this.featDim;
      this.#rows.set(
        batch.subarray(start, start + this.featDim),
        slot * this.featDim,
      );
      slot = (slot + 1) % this.capacity;
    }
    this.#pointer = slot;
    return ++this.#version;
  }

  /**
   * Takes over updates in their order; those that the queue has are passed over.
   * @throws RangeError if one is missing in between
   */
  follow(updates: readonly QueueUpdate<Rows>[]): void {
    for (const update of updates) {
      const { version, rows } = update;
      if (version <= this.#version) continue;
      if ('pointer' in update) this.#replaceBy(update);
      else if (version === this.#version + 1) this.enqueue(rows);
      else throw new RangeError(`version ${version} behind ${this.#version}`);
    }
  }

  #replaceBy({ rows, pointer, version }: QueueSnapshot<Rows>): void {
    this.#rows.set(rows);
    this.#pointer = pointer;
    this.#version = version;
  }

  /** A copy of the whole content. */
  snapshot(): QueueSnapshot<Rows> {
    return { ...this.place, rows: this.#rows.slice() as Rows };
  }
}

function seededRows(options: QueueOptions): Float32Array {
  const { capacity, featDim, seed, init, precision = 'float32' } = options;
  const rng = rngFrom(seed, 'queue');
  const { data: rows } = drawTensor([capacity, featDim], () => rng.normal());
  if (init === 'rows') normalizeGroups(rows, capacity, featDim, 1, featDim);
  else normalizeGroups(rows, featDim, 1, featDim, capacity);
  return roundRows(rows, precision);
}

/** Divides each of `groups` strided vectors of `length` values by its norm. */
function normalizeGroups(
  values: Float32Array,
  groups: number,
  groupStride: number,
  stride: number,
  length: number,
): void {
  for (let group = 0; group < groups; group++) {
    const start = group * groupStride;
    const end = start + stride * length;
    let squares = 0;
    for (let i = start; i < end; i += stride) squares += values[i]! ** 2;
    const norm = Math.max(Math.sqrt(squares), 1e-12);
    for (let i = start; i < end; i += stride) values[i]! /= norm;
  }
}
