import type { Precision } from '#distill/precision.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { SnapshotChunk__Output } from '#proto/rrd/v1/SnapshotChunk.js';
import type { SnapshotHeader__Output } from '#proto/rrd/v1/SnapshotHeader.js';
import { BatchShapeError } from '../errors.js';
import { fromWireRows } from './wire-rows.js';
import { fromWirePrecision } from '../rpc/wire-precision.js';

/** Puts the chunks of a snapshot together, as values. */
export class SnapshotReader {
  readonly #featDim: number;
  #precision: Precision = 'float32';
  #unfinished: QueueSnapshot | undefined;
  #received = 0;
  #snapshot: QueueSnapshot | undefined;

  constructor(featDim: number) {
    this.#featDim = featDim;
  }

  /** The last whole snapshot. */
  get snapshot(): QueueSnapshot | undefined {
    return this.#snapshot;
  }

  /** @throws InvalidRequestError for a precision that we do not know */
  begin({ state }: SnapshotHeader__Output): void {
    const capacity = state?.spec?.capacity ?? 0;
    this.#precision = fromWirePrecision(state?.spec?.precision);
    this.#received = 0;
    this.#unfinished = {
      rows: new Float32Array(capacity * this.#featDim),
      featDim: this.#featDim,
      pointer: state?.pointer ?? 0,
      version: state?.version ?? 0,
    };
  }

  /** @throws BatchShapeError for rows that do not fit the header */
  add(chunk: SnapshotChunk__Output): void {
    const data = fromWireRows(chunk.rows, {
      field: 'chunk.rows',
      featDim: this.#featDim,
      precision: this.#precision,
    });
    const start = chunk.firstSlot * this.#featDim;
    const rows = this.#unfinished?.rows ?? new Float32Array();
    if (start !== this.#received || start + data.length > rows.length) {
      throw new BatchShapeError({
        field: 'chunk.first_slot',
        expected: `slot ${this.#received / this.#featDim} and at most ${rows.length / this.#featDim} rows in all`,
        actual: `slot ${chunk.firstSlot} and ${data.length / this.#featDim} rows`,
      });
    }
    rows.set(data, start);
    this.#received += data.length;
    if (this.#received === rows.length) this.#snapshot = this.#unfinished;
  }
}
