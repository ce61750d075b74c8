import type { StoredRows } from '#distill/precision.js';

/** Rows travel in messages of about this size. */
const chunkBytes = 512 * 1024;

export interface RowChunk {
  /** Which row it begins with. */
  readonly first: number;
  /** [n, featDim]: a part of the rows, not a copy. */
  readonly rows: StoredRows;
}

/** @param rows [n, featDim] */
export function* rowChunks(
  rows: StoredRows,
  featDim: number,
): Generator<RowChunk> {
  const rowBytes = featDim * rows.BYTES_PER_ELEMENT;
  const rowsPerChunk = Math.max(1, Math.floor(chunkBytes / rowBytes));
  const count = rows.length / featDim;
  for (let first = 0; first < count; first += rowsPerChunk) {
    const end = Math.min(first + rowsPerChunk, count);
    yield { first, rows: rows.subarray(first * featDim, end * featDim) };
  }
}
