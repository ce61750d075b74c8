import type { Precision } from '#distill/precision.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { Delta__Output } from '#proto/rrd/v1/Delta.js';
import type { SnapshotChunk__Output } from '#proto/rrd/v1/SnapshotChunk.js';
import type { SnapshotHeader__Output } from '#proto/rrd/v1/SnapshotHeader.js';
import { BatchShapeError } from '../errors.js';
import { fromWireRows } from './wire-rows.js';
import { fromWirePrecision } from '../rpc/wire-precision.js';

/** Where a snapshot goes on that was cut off; see SubscribeRequest. */
export interface SnapshotRest {
  readonly fromVersion: number;
  /** Left out where only deltas are missing. */
  readonly firstSlot?: number;
}

interface Place {
  version: number;
  pointer: number;
}

/**
 * Puts the chunks of a snapshot together, as values. One that is cut off goes
 * on where it was: the rest of the rows come as they are by then, and the deltas
 * since the first part put all of them at one version. (Whatever the deltas
 * touched is written again, in their order; the rest has not changed.)
 */
export class SnapshotReader {
  readonly #featDim: number;
  #precision: Precision = 'float32';
  #rows = new Float32Array();
  /** Values that have come. */
  #received = 0;
  /** Where the first part was, and deltas have brought it since. */
  #place: Place | undefined;
  /** The version at which it is whole. */
  #version = 0;

  constructor(featDim: number) {
    this.#featDim = featDim;
  }

  /** What is missing; undefined before it has begun. */
  get rest(): SnapshotRest | undefined {
    if (!this.#place) return undefined;
    const fromVersion = this.#place.version;
    const firstSlot = this.#received / this.#featDim;
    const needsRows = this.#received < this.#rows.length;
    return { fromVersion, ...(needsRows && { firstSlot }) };
  }

  /** Undefined until it is whole. */
  get snapshot(): QueueSnapshot | undefined {
    if (this.#place?.version !== this.#version) return undefined;
    if (this.#received < this.#rows.length) return undefined;
    const { version, pointer } = this.#place;
    return { rows: this.#rows, featDim: this.#featDim, version, pointer };
  }

  /**
   * A snapshot, or the `rest` of the one that was begun.
   * @throws InvalidRequestError for a precision that we do not know
   */
  begin({ state }: SnapshotHeader__Output): void {
    const { version = 0, pointer = 0, spec } = state ?? {};
    this.#version = version;
    if (this.#place) return;
    this.#precision = fromWirePrecision(spec?.precision);
    this.#place = { version, pointer };
    this.#rows = new Float32Array((spec?.capacity ?? 0) * this.#featDim);
  }

  /** @throws BatchShapeError for rows that do not fit the header */
  add(chunk: SnapshotChunk__Output): void {
    const data = this.#valuesOf('chunk.rows', chunk);
    const start = chunk.firstSlot * this.#featDim;
    const rows = this.#rows;
    if (start !== this.#received || start + data.length > rows.length) {
      throw new BatchShapeError({
        field: 'chunk.first_slot',
        expected: `slot ${this.#received / this.#featDim} and at most ${rows.length / this.#featDim} rows in all`,
        actual: `slot ${chunk.firstSlot} and ${data.length / this.#featDim} rows`,
      });
    }
    rows.set(data, start);
    this.#received += data.length;
  }

  /** A commit that the part which came first lacks. */
  follow(delta: Delta__Output): void {
    const place = this.#place;
    if (!place || delta.version !== place.version + 1) return;
    const data = this.#valuesOf('delta.rows', delta);
    const width = this.#featDim;
    const capacity = this.#rows.length / width;
    for (let row = 0; row * width < data.length; row++) {
      const slot = delta.slots[row] ?? place.pointer;
      const values = data.subarray(row * width, (row + 1) * width);
      this.#rows.set(values, slot * width);
      if (delta.slots.length === 0) place.pointer = (slot + 1) % capacity;
    }
    place.version++;
  }

  #valuesOf(
    field: string,
    { rows }: Pick<SnapshotChunk__Output, 'rows'>,
  ): Float32Array {
    const expected = { featDim: this.#featDim, precision: this.#precision };
    return fromWireRows(rows, { field, ...expected });
  }
}
