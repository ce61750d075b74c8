import { open, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { ImageShape } from '#distill/data/dataset.js';
import { sizeOf } from '#distill/tensors.js';
import { CorruptFileError } from '../errors.js';
import { withDigest } from './digest.js';
import { cifarNormalization, type FileOptions } from './load.js';
import {
  allocateImages,
  type SharedDataset,
  type SharedImages,
} from './shared.js';

const shape: ImageShape = [32, 32, 3];
const imageBytes = sizeOf(shape);
const planeBytes = 32 * 32;
/** Lets the thread do other things between so many records. */
const recordsPerTurn = 1000;

/** How the official "binary version" of a CIFAR set lays out its records. */
interface Layout {
  readonly train: RegExp;
  readonly test: RegExp;
  readonly classNames: string;
  /** Bytes before the pixels; the last of them is the (fine) label. */
  readonly labelBytes: number;
}

const layouts = {
  cifar10: {
    train: /^data_batch_\d+\.bin$/,
    test: /^test_batch\.bin$/,
    classNames: 'batches.meta.txt',
    labelBytes: 1,
  },
  cifar100: {
    train: /^train\.bin$/,
    test: /^test\.bin$/,
    classNames: 'fine_label_names.txt',
    labelBytes: 2,
  },
} satisfies Record<string, Layout>;

/**
 * The official binary files of CIFAR-10 or CIFAR-100 (fine labels) in the
 * folder `root`: records of label bytes, then red, green and blue planes.
 * Throws `CorruptFileError`.
 */
export async function loadCifar(
  kind: keyof typeof layouts,
  options: FileOptions,
): Promise<SharedDataset> {
  const { name, root, signal } = options;
  const layout: Layout = layouts[kind];
  const classNames = await readClassNames(join(root, layout.classNames));
  const train = await filesOf(root, layout.train, layout);
  const test = await filesOf(root, layout.test, layout);
  options.reserve((countOf(train) + countOf(test)) * imageBytes);
  const read = (files: readonly RecordFile[]) =>
    readRecords(files, layout, classNames.length, signal);
  const dataset = {
    name,
    imageShape: shape,
    classNames,
    normalization: cifarNormalization,
    splits: { train: await read(train), test: await read(test) },
  };
  return withDigest(dataset, 'cifar binary 1');
}

async function readClassNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CorruptFileError({ path, problem: 'cannot be read' }, { cause });
  });
  return text.split('\n').filter((line) => line.trim() !== '');
}

interface RecordFile {
  readonly path: string;
  readonly count: number;
}

const countOf = (files: readonly RecordFile[]) =>
  files.reduce((sum, { count }) => sum + count, 0);

async function filesOf(root: string, pattern: RegExp, { labelBytes }: Layout) {
  const names = (await readdir(root)).filter((name) => pattern.test(name));
  if (names.length === 0) {
    const problem = `no file is named like ${pattern.source}`;
    throw new CorruptFileError({ path: root, problem });
  }
  const recordBytes = labelBytes + imageBytes;
  return Promise.all(
    names.sort().map(async (name): Promise<RecordFile> => {
      const path = join(root, name);
      const { size } = await stat(path);
      if (size > 0 && size % recordBytes === 0) {
        return { path, count: size / recordBytes };
      }
      const problem = `${size} bytes are not whole records of ${recordBytes}`;
      throw new CorruptFileError({ path, problem });
    }),
  );
}

async function readRecords(
  files: readonly RecordFile[],
  { labelBytes }: Layout,
  classCount: number,
  signal: AbortSignal,
): Promise<SharedImages> {
  const { pixels, labels } = allocateImages(countOf(files), shape);
  let row = 0;
  for (const { path, count } of files) {
    signal.throwIfAborted();
    const bytes = await readExactly(path, count * (labelBytes + imageBytes));
    for (let record = 0; record < count; record += 1, row += 1) {
      const start = record * (labelBytes + imageBytes) + labelBytes;
      const label = bytes[start - 1]!;
      if (label >= classCount) {
        const problem = `record ${record} has label ${label} of ${classCount}`;
        throw new CorruptFileError({ path, problem });
      }
      labels[row] = label;
      interleave(bytes.subarray(start), pixels.subarray(row * imageBytes));
      if (row % recordsPerTurn === 0) await turn();
    }
  }
  return { pixels, labels };
}

/** Reads as many bytes as were counted, whatever became of the file since. */
async function readExactly(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, 0);
    if (bytesRead === length) return bytes;
    throw new CorruptFileError({ path, problem: 'shrank while being read' });
  } finally {
    await file.close();
  }
}

/** Three planes [C, H, W] as pixels [H, W, C]. */
function interleave(planes: Uint8Array, out: Uint8Array): void {
  for (let pixel = 0; pixel < planeBytes; pixel += 1) {
    out[3 * pixel] = planes[pixel]!;
    out[3 * pixel + 1] = planes[planeBytes + pixel]!;
    out[3 * pixel + 2] = planes[2 * planeBytes + pixel]!;
  }
}
