import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import { precisions } from '#distill/precision.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { QueueInit } from '#proto/rrd/v1/QueueInit.js';
import type { ReadQueue } from '#runtime/bank/read-queue.js';
import { fromWirePrecision } from '#runtime/rpc/wire-precision.js';
import {
  decodeSafetensors,
  encodeSafetensors,
} from '#runtime/checkpoint/index.js';
import { CorruptFileError, InvalidRequestError } from '#runtime/errors.js';

/** A queue as one file, its rows as float32: halves are among those. */

const inits = [
  'QUEUE_INIT_ROWS',
  'QUEUE_INIT_COLUMNS',
  'QUEUE_INIT_UNIFORM',
] as const satisfies readonly QueueInit[];

const metadataSchema = z.object({
  version: z.coerce.number().int().nonnegative(),
  pointer: z.coerce.number().int().nonnegative(),
  nextStep: z.coerce.number().int().nonnegative(),
  teacherDigest: z.string().min(1),
  projectionSeed: z.coerce.number().int().nonnegative(),
  worldSize: z.coerce.number().int().positive(),
  // Files of earlier versions lack the rest.
  seed: z.coerce.number().int().nonnegative().default(0),
  init: z.enum(inits).default('QUEUE_INIT_ROWS'),
  precision: z.enum(precisions).default('float32'),
  momentum: z.coerce.number().exactOptional(),
});

export interface StoredQueue {
  readonly snapshot: QueueSnapshot;
  readonly metadata: z.infer<typeof metadataSchema>;
}

/**
 * Writes the rows as NumPy has them, or everything as safetensors.
 * @throws InvalidRequestError for another kind of file
 */
export async function writeQueue(
  path: string,
  queue: ReadQueue,
): Promise<void> {
  const { rows, featDim } = queue.snapshot;
  const shape = [rows.length / featDim, featDim] as const;
  switch (extname(path)) {
    case '.npy':
      return writeFile(path, encodeNpy(rows, shape));
    case '.safetensors':
      return writeFile(
        path,
        encodeSafetensors(
          { rows: { shape: [...shape], data: rows } },
          metadataOf(queue),
        ),
      );
    default:
      throw unknownKind(path, '.npy or .safetensors');
  }
}

/** Where a queue stands, and all that it is but its name. */
function metadataOf({
  state: { spec, nextStep },
  snapshot: { version, pointer },
}: ReadQueue): Record<string, string> {
  const { teacherDigest = '', projectionSeed = 0, worldSize = 1 } = spec ?? {};
  const { seed = 0, init = 'QUEUE_INIT_ROWS', momentum } = spec ?? {};
  const precision = fromWirePrecision(spec?.precision);
  const numbers = { version, pointer, nextStep, projectionSeed, worldSize };
  const values = {
    ...{ teacherDigest, precision, ...numbers, seed, init },
    ...(momentum !== undefined && { momentum }),
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, String(value)]),
  );
}

/** @throws CorruptFileError, InvalidRequestError */
export async function readStoredQueue(path: string): Promise<StoredQueue> {
  if (extname(path) !== '.safetensors') throw unknownKind(path, '.safetensors');
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  const { rows } = tensors;
  const parsed = metadataSchema.safeParse(metadata);
  const featDim = rows?.shape[1] ?? 0;
  if (!(rows?.data instanceof Float32Array) || rows.shape.length !== 2)
    throw corrupt(path, 'no float32 tensor `rows` of two dimensions');
  if (!parsed.success)
    throw corrupt(path, `metadata: ${parsed.error.issues[0]?.path.join('.')}`);
  const { version, pointer } = parsed.data;
  const snapshot = { rows: rows.data, featDim, version, pointer };
  return { snapshot, metadata: parsed.data };
}

/** NumPy's format, version 1.0: a padded header, then the values. */
function encodeNpy(
  rows: Float32Array,
  shape: readonly [number, number],
): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const padded = Math.ceil((header.length + 11) / 64) * 64 - 10;
  const head = Buffer.alloc(10 + padded, ' ');
  head.write('\x93NUMPY\x01\x00', 0, 'latin1');
  head.writeUInt16LE(padded, 8);
  head.write(header, 10, 'latin1');
  head.write('\n', head.length - 1, 'latin1');
  const { buffer, byteOffset, byteLength } = rows;
  return Buffer.concat([head, new Uint8Array(buffer, byteOffset, byteLength)]);
}

function corrupt(path: string, problem: string): CorruptFileError {
  return new CorruptFileError({ path, problem });
}

function unknownKind(path: string, expected: string): InvalidRequestError {
  return new InvalidRequestError({
    ...{ field: 'file', value: path },
    expected: `a name that ends in ${expected}`,
  });
}
