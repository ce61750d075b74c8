/** Rows travel in messages of about this size. */
const chunkBytes = 512 * 1024;

export interface RowChunk {
  /** Which row it begins with. */
  readonly first: number;
  readonly shape: readonly [number, number];
  /** float32 [n, featDim]: a part of the rows, not a copy. */
  readonly data: Float32Array;
}

/** @param rows float32 [n, featDim] */
export function* rowChunks(
  rows: Float32Array,
  featDim: number,
): Generator<RowChunk> {
  const rowBytes = featDim * Float32Array.BYTES_PER_ELEMENT;
  const rowsPerChunk = Math.max(1, Math.floor(chunkBytes / rowBytes));
  const count = rows.length / featDim;
  for (let first = 0; first < count; first += rowsPerChunk) {
    const end = Math.min(first + rowsPerChunk, count);
    const data = rows.subarray(first * featDim, end * featDim);
    yield { first, shape: [end - first, featDim], data };
  }
}
