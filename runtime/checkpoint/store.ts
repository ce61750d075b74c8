import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { NamedHostTensors } from '#distill/tensors.js';
import { CorruptFileError } from '../errors.js';
import { syncFolder } from '../files.js';
import { formatVersion, manifestSchema, type Manifest } from './manifest.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

/**
 * A checkpoint is a folder: manifest.json (what it is, and the hash of every
 * other file), model.safetensors (a network's state_dict: torch names, torch
 * layouts) and, for a run that can be resumed, training.safetensors.
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

const manifestName = 'manifest.json';
const modelName = 'model.safetensors';
const trainingName = 'training.safetensors';
const maxManifestBytes = 4 * 2 ** 20;

/**
 * Writes a checkpoint to the folder `dir`, all or nothing: a temporary folder
 * beside it is written, synced and renamed, then the parent is synced. A
 * checkpoint that is there already is replaced; a crash between the two
 * renames leaves it beside, under a name that starts with a dot.
 */
export async function writeCheckpoint(
  dir: string,
  checkpoint: Checkpoint & { readonly manifest: ManifestFields },
): Promise<void> {
  const target = resolve(dir);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  const temporary = join(parent, `.${basename(target)}-${randomUUID()}`);
  await mkdir(temporary); // not mkdtemp: other users may read checkpoints
  try {
    await writeFiles(temporary, checkpoint);
    await replaceFolder(temporary, target);
    await syncFolder(parent);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function writeFiles(
  folder: string,
  { tensors, training, manifest }: Checkpoint & { manifest: ManifestFields },
): Promise<void> {
  const contents = new Map([[modelName, encodeSafetensors(tensors)]]);
  if (training) contents.set(trainingName, encodeSafetensors(training));
  const files: Manifest['files'] = {};
  for (const [name, bytes] of contents) {
    await writeSynced(join(folder, name), bytes);
    files[name] = { sha256: sha256(bytes), bytes: bytes.length };
  }
  const json = JSON.stringify({ ...manifest, formatVersion, files }, null, 2);
  await writeSynced(join(folder, manifestName), `${json}\n`);
  await syncFolder(folder);
}

/** A folder cannot be renamed onto a full one: the old one steps aside first. */
async function replaceFolder(source: string, target: string): Promise<void> {
  const aside = `${source}.old`;
  const replaces = await rename(target, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  await rename(source, target);
  if (replaces) await rm(aside, { recursive: true, force: true });
}

async function writeSynced(path: string, data: Uint8Array | string) {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Reads a checkpoint and verifies sizes and hashes. `schema` says what the
 * manifest must hold for this kind (see manifest.ts). Throws
 * `CorruptFileError` for a folder that is not a whole checkpoint of it.
 */
export async function readCheckpoint(
  dir: string,
): Promise<Checkpoint & { readonly manifest: Manifest }>;
export async function readCheckpoint<M extends Manifest>(
  dir: string,
  schema: z.ZodType<M>,
): Promise<Checkpoint & { readonly manifest: M }>;
export async function readCheckpoint(
  dir: string,
  schema: z.ZodType<Manifest> = manifestSchema,
): Promise<Checkpoint & { readonly manifest: Manifest }> {
  const manifest = await readManifest(dir, schema);
  const tensors = await readTensors(dir, modelName, manifest);
  if (!(trainingName in manifest.files)) return { manifest, tensors };
  const training = await readTensors(dir, trainingName, manifest);
  return { manifest, tensors, training };
}

/** Reads manifest.json alone, without the tensors and their hashes. */
export async function readManifest<M extends Manifest>(
  dir: string,
  schema: z.ZodType<M>,
): Promise<M> {
  const path = join(dir, manifestName);
  const bytes = await readBounded(path, maxManifestBytes);
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
  dir: string,
  name: string,
  { files }: Manifest,
): Promise<NamedHostTensors> {
  const path = join(dir, name);
  const expected = files[name];
  const corrupt = (problem: string) => new CorruptFileError({ path, problem });
  if (!expected) throw corrupt('not named in the manifest');
  const bytes = await readBounded(path, expected.bytes);
  if (bytes.length !== expected.bytes) {
    throw corrupt(`${bytes.length} bytes, ${expected.bytes} expected`);
  }
  if (sha256(bytes) !== expected.sha256) throw corrupt('its sha256 differs');
  return decodeSafetensors(bytes, path).tensors;
}

async function readBounded(path: string, maxBytes: number) {
  const corrupt = (problem: string, cause?: unknown) =>
    new CorruptFileError({ path, problem }, { cause });
  const { size } = await stat(path).catch((cause: unknown) => {
    throw corrupt('cannot be read', cause);
  });
  if (size > maxBytes) throw corrupt(`${size} bytes, at most ${maxBytes}`);
  return readFile(path);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
