import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { precisions } from '#distill/precision.js';
import { CorruptFileError } from '#runtime/errors.js';
import type { QueueProgress } from '../bank-queue.js';
import { readBounded, replaceFile, type Fsync } from '#runtime/files.js';
import type { Segment } from './segments.js';

/** What a queue's folder holds: its state once `logs` are applied to `segments`. */
export interface Manifest {
  readonly progress: QueueProgress;
  readonly segments: readonly Segment[];
  /** The oldest log that is needed; newer ones follow by number. */
  readonly firstLog: number;
}

export const manifestName = 'manifest.json';
const maxManifestBytes = 512 * 2 ** 20;

const count = z.number().int().nonnegative();
const schema: z.ZodType<Manifest> = z.strictObject({
  progress: z.strictObject({
    spec: z.strictObject({
      queue: z.string(),
      capacity: count,
      featDim: count,
      seed: count,
      init: z.enum(['rows', 'columns', 'uniform']),
      worldSize: count,
      teacherDigest: z.string(),
      projectionSeed: count,
      // Queues that were kept before there was a choice have none.
      precision: z.enum(precisions).default('float32'),
      momentum: z.number().exactOptional(),
      shared: z.boolean().exactOptional(),
    }),
    epoch: count,
    version: count,
    pointer: count,
    firstStep: count,
    nextStep: count,
    runs: z.record(
      z.string(),
      z.strictObject({
        nextStep: count,
        epoch: count.exactOptional(),
        committed: z.array(
          z.strictObject({ step: count, digests: z.array(z.string()) }),
        ),
      }),
    ),
  }),
  segments: z.array(z.strictObject({ generation: count, crc32: count })),
  firstLog: count,
});

/** One line with the hash of what follows, then the manifest. */
export function writeManifest(
  folder: string,
  manifest: Manifest,
  fsync: Fsync,
): Promise<void> {
  const json = JSON.stringify(manifest);
  const bytes = Buffer.from(`${sha256(json)}\n${json}`);
  return replaceFile(join(folder, manifestName), bytes, fsync);
}

/** @throws CorruptFileError */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestName);
  const text = (await readBounded(path, maxManifestBytes)).toString();
  const cut = text.indexOf('\n');
  const json = text.slice(cut + 1);
  if (sha256(json) !== text.slice(0, Math.max(0, cut))) {
    throw new CorruptFileError({ path, problem: 'wrong checksum' });
  }
  const manifest = schema.safeParse(JSON.parse(json));
  if (manifest.success) return manifest.data;
  const problem = manifest.error.issues[0]?.message ?? 'not a manifest';
  throw new CorruptFileError({ path, problem });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
