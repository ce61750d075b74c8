import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { NamedHostTensors } from '#distill/tensors.js';
import { CorruptFileError } from '../errors.js';
import { formatVersion, manifestSchema, type Manifest } from './manifest.js';
import { checkpointAt, locationIn } from './places/location.js';
import { type Content, manifestName } from './places/place.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

/**
 * A checkpoint is a folder, or a prefix in a bucket (`s3://bucket/prefix/name`):
 * manifest.json (what it is, and the hash of every other file), model.safetensors
 * (a network's state_dict: torch names, torch layouts) and, for a run that can be
 * resumed, training.safetensors.
 */

export interface Checkpoint {
  /** Parameters and buffers of the network. */
  readonly tensors: NamedHostTensors;
  /** What training needs besides: momentum, heads, queue rows, ... */
  readonly training?: NamedHostTensors;
}

/** A manifest before the store has added format and hashes. */
export interface ManifestFields {
  readonly kind: string;
  readonly [field: string]: unknown;
}

const modelName = 'model.safetensors';
const trainingName = 'training.safetensors';
const maxManifestBytes = 4 * 2 ** 20;

/**
 * Writes a checkpoint to `location`, all or nothing; one that is there already is
 * replaced.
 */
export async function writeCheckpoint(
  location: string,
  {
    tensors,
    training,
    manifest,
  }: Checkpoint & { readonly manifest: ManifestFields },
): Promise<void> {
  const contents = [contentOf(modelName, tensors)];
  if (training) contents.push(contentOf(trainingName, training));
  const files = Object.fromEntries(
    contents.map(({ name, sha256, bytes }) => [
      name,
      { sha256, bytes: bytes.length },
    ]),
  );
  const json = JSON.stringify({ ...manifest, formatVersion, files }, null, 2);
  const [place, name] = await checkpointAt(location);
  await place.write(name, contents, `${json}\n`);
}

function contentOf(name: string, tensors: NamedHostTensors): Content {
  const bytes = encodeSafetensors(tensors);
  return { name, bytes, sha256: sha256Of(bytes) };
}

/**
 * Reads a checkpoint and verifies sizes and hashes. `schema` says what the
 * manifest must hold for this kind (see manifest.ts). Throws
 * `CorruptFileError` for what is not a whole checkpoint of it, and
 * `CheckpointStorageError` for a bucket that cannot be reached.
 */
export async function readCheckpoint(
  location: string,
): Promise<Checkpoint & { readonly manifest: Manifest }>;
export async function readCheckpoint<M extends Manifest>(
  location: string,
  schema: z.ZodType<M>,
): Promise<Checkpoint & { readonly manifest: M }>;
export async function readCheckpoint(
  location: string,
  schema: z.ZodType<Manifest> = manifestSchema,
): Promise<Checkpoint & { readonly manifest: Manifest }> {
  const manifest = await readManifest(location, schema);
  const tensors = await readTensors(location, modelName, manifest);
  if (!(trainingName in manifest.files)) return { manifest, tensors };
  const training = await readTensors(location, trainingName, manifest);
  return { manifest, tensors, training };
}

/** Reads manifest.json alone, without the tensors and their hashes. */
export async function readManifest<M extends Manifest>(
  location: string,
  schema: z.ZodType<M>,
): Promise<M> {
  const path = locationIn(location, manifestName);
  const [place, name] = await checkpointAt(location);
  const bytes = await place.readManifest(name, maxManifestBytes);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CorruptFileError({ path, problem: 'not JSON' }, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = `${issue?.path.join('.')}: ${issue?.message}`;
  throw new CorruptFileError({ path, problem }, { cause: parsed.error });
}

async function readTensors(
  location: string,
  file: string,
  { files }: Manifest,
): Promise<NamedHostTensors> {
  const path = locationIn(location, file);
  const expected = files[file];
  const corrupt = (problem: string) => new CorruptFileError({ path, problem });
  if (!expected) throw corrupt('not named in the manifest');
  const { sha256, bytes: size } = expected;
  const [place, name] = await checkpointAt(location);
  const bytes = await place.readContent(name, { name: file, sha256 }, size);
  if (bytes.length !== size)
    throw corrupt(`${bytes.length} bytes, ${size} expected`);
  if (sha256Of(bytes) !== sha256) throw corrupt('its sha256 differs');
  return decodeSafetensors(bytes, path).tensors;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
