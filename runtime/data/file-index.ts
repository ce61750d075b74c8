import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptFileError } from '../errors.js';

/** No image file of a data set is sensibly larger than this. */
const maxImageBytes = 2 ** 26;

/** Where one encoded image lies and what it shows. */
export interface Entry {
  /** Relative to the root: an image file, or the tar file that holds it. */
  readonly path: string;
  readonly startByte: number;
  readonly bytes: number;
  readonly label: number;
}

/**
 * Where the encoded images of a split lie, in few flat arrays: about 60 bytes
 * a sample however many there are, and shared between threads as it is.
 */
export interface FileIndex {
  readonly root: string;
  /** UTF-8 paths, one after another. */
  readonly paths: Uint8Array<SharedArrayBuffer>;
  /** Path `i` is [pathEnds[i - 1], pathEnds[i]) of `paths`. */
  readonly pathEnds: Uint32Array<SharedArrayBuffer>;
  /** Which path each sample is in; several samples may share one. */
  readonly pathOf: Uint32Array<SharedArrayBuffer>;
  readonly startByte: Float64Array<SharedArrayBuffer>;
  readonly bytes: Uint32Array<SharedArrayBuffer>;
  readonly labels: Uint16Array<SharedArrayBuffer>;
}

/** @throws CorruptFileError for an image that is too large to be one */
export function indexOf(root: string, entries: readonly Entry[]): FileIndex {
  const numbers = new Map<string, number>();
  for (const { path, bytes } of entries) {
    if (bytes > maxImageBytes) {
      const problem = `an image of ${bytes} bytes, at most ${maxImageBytes} are read`;
      throw new CorruptFileError({ path: join(root, path), problem });
    }
    if (!numbers.has(path)) numbers.set(path, numbers.size);
  }
  const encoded = [...numbers.keys()].map((path) => Buffer.from(path));
  const total = encoded.reduce((sum, { length }) => sum + length, 0);
  const count = entries.length;
  const shared = (bytes: number) => new SharedArrayBuffer(bytes);
  const index: FileIndex = {
    root,
    paths: new Uint8Array(shared(total)),
    pathEnds: new Uint32Array(shared(4 * encoded.length)),
    pathOf: new Uint32Array(shared(4 * count)),
    startByte: new Float64Array(shared(8 * count)),
    bytes: new Uint32Array(shared(4 * count)),
    labels: new Uint16Array(shared(2 * count)),
  };
  let end = 0;
  encoded.forEach((path, i) => {
    index.paths.set(path, end);
    end += path.length;
    index.pathEnds[i] = end;
  });
  entries.forEach((entry, i) => {
    index.pathOf[i] = numbers.get(entry.path)!;
    index.startByte[i] = entry.startByte;
    index.bytes[i] = entry.bytes;
    index.labels[i] = entry.label;
  });
  return index;
}

/** Bytes that an index holds. */
export function indexBytes(index: FileIndex): number {
  const { paths, pathEnds, pathOf, startByte, bytes, labels } = index;
  return [paths, pathEnds, pathOf, startByte, bytes, labels].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
}

/** The file of a sample, relative to the root. */
export function pathOf(index: FileIndex, sample: number): string {
  const number = index.pathOf[sample]!;
  const start = number === 0 ? 0 : index.pathEnds[number - 1]!;
  const path = index.paths.subarray(start, index.pathEnds[number]);
  return Buffer.from(path).toString('utf8');
}

/**
 * The encoded image of a sample.
 * @throws CorruptFileError if the file has become shorter or is gone
 */
export async function readSample(
  index: FileIndex,
  sample: number,
): Promise<Buffer> {
  const path = join(index.root, pathOf(index, sample));
  const bytes = Buffer.allocUnsafe(index.bytes[sample]!);
  const file = await open(path).catch((cause: unknown) => {
    throw new CorruptFileError({ path, problem: 'cannot be read' }, { cause });
  });
  try {
    const position = index.startByte[sample]!;
    const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
    if (bytesRead === bytes.length) return bytes;
    throw new CorruptFileError({ path, problem: 'it has become shorter' });
  } finally {
    await file.close();
  }
}
