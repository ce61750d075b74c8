import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { bytesPerValue, type StoredRows } from '#distill/precision.js';
import { CorruptFileError } from '#runtime/errors.js';
import type { QueueSpec } from '../queue-spec.js';
import { writeWhole, type Fsync } from '#runtime/files.js';

/**
 * A queue's rows on disk, in files of about 2 MiB. A checkpoint writes those
 * that changed under new names, so the old ones stay whole until the manifest
 * names the new ones.
 *
 * A segment of a FIFO queue may hold rows newer than its checkpoint: writers go
 * on meanwhile. That is harmless, for such rows are in the log too, and replaying the log
 * puts them in the same slots again.
 */
export interface Segment {
  /** The checkpoint that wrote it. */
  readonly generation: number;
  readonly crc32: number;
}

type Shape = Pick<QueueSpec, 'capacity' | 'featDim' | 'precision'>;

const segmentBytes = 2 * 2 ** 20;

/** Rows of a segment; the last one may be shorter. */
function rowsPerSegment({ featDim, precision }: Shape): number {
  const rowBytes = bytesPerValue(precision) * featDim;
  return Math.max(1, Math.floor(segmentBytes / rowBytes));
}

export function segmentCount(shape: Shape): number {
  return Math.ceil(shape.capacity / rowsPerSegment(shape));
}

/** The segments of the `count` rows in front of `pointer`, and what wraps. */
export function segmentsBehind(
  shape: Shape,
  pointer: number,
  count: number,
): Set<number> {
  const { capacity } = shape;
  const perSegment = rowsPerSegment(shape);
  const dirty = new Set<number>();
  const from = pointer - Math.min(count, capacity);
  for (let slot = from; slot < pointer;) {
    const real = (slot + capacity) % capacity;
    dirty.add(Math.floor(real / perSegment));
    const left = perSegment - (real % perSegment);
    slot += Math.min(left, capacity - real);
  }
  return dirty;
}

export function segmentPath(
  folder: string,
  index: number,
  generation: number,
): string {
  return join(folder, `rows-${index}-${generation}.bin`);
}

/** @param rows all rows of the queue; copied before the first wait */
export async function writeSegment(
  folder: string,
  shape: Shape,
  rows: StoredRows,
  at: { readonly index: number; readonly generation: number },
  fsync: Fsync,
): Promise<Segment> {
  const { index, generation } = at;
  const copy = rows.slice(...rangeOf(shape, index));
  const bytes = new Uint8Array(copy.buffer);
  await writeWhole(segmentPath(folder, index, generation), [bytes], fsync);
  return { generation, crc32: crc32(bytes) };
}

/**
 * Reads a segment to its place.
 * @throws CorruptFileError
 */
export async function readSegment(
  folder: string,
  shape: Shape,
  rows: StoredRows,
  index: number,
  segment: Segment,
): Promise<void> {
  const path = segmentPath(folder, index, segment.generation);
  const part = rows.subarray(...rangeOf(shape, index));
  const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    await file.read(bytes, 0, bytes.length, 0);
    if (size === bytes.length && crc32(bytes) === segment.crc32) return;
    throw new CorruptFileError({ path, problem: 'wrong size or checksum' });
  } finally {
    await file.close();
  }
}

/** First value of a segment and the one behind its last. */
function rangeOf(shape: Shape, index: number): [number, number] {
  const perSegment = rowsPerSegment(shape);
  const end = Math.min((index + 1) * perSegment, shape.capacity);
  return [index * perSegment * shape.featDim, end * shape.featDim];
}
