import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Extract } from 'tar-stream';
import { CorruptFileError } from '../errors.js';
import type { Entry } from './file-index.js';

const imageSuffixes = new Set(['jpg', 'jpeg', 'png']);
/** A class's number takes a few digits. */
const maxLabelBytes = 16;
const maxLabel = 65535;
const headerBytes = 512;

/** What one sample's files, which follow one another, have said so far. */
interface Sample {
  readonly key: string;
  image?: Pick<Entry, 'startByte' | 'bytes'>;
  label?: number;
}

/**
 * Reads a shard once from front to back: its samples, in order, and the
 * SHA-256 of all its bytes. Names in it only group files; nothing is written.
 * @throws CorruptFileError if it is cut off, no tar file, or a sample lacks a part
 */
export async function scanShard(
  root: string,
  shard: string,
  signal: AbortSignal,
): Promise<{ readonly entries: Entry[]; readonly digest: string }> {
  const path = join(root, shard);
  const hash = createHash('sha256');
  const tap = new PassThrough();
  tap.on('data', (chunk: Buffer) => hash.update(chunk));
  const unpack = extract();
  const reading = pipeline(createReadStream(path), tap, unpack, { signal });
  try {
    // A damaged file ends the reading, and an entry would wait for ever.
    const [entries] = await Promise.all([collect(unpack, shard), reading]);
    return { entries, digest: hash.digest('hex') };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof Incomplete) {
      throw new CorruptFileError({ path, problem: cause.message });
    }
    const problem = 'not a whole, uncompressed tar file';
    throw new CorruptFileError({ path, problem }, { cause });
  } finally {
    unpack.destroy();
  }
}

/** One file of a tar file, as it streams by. */
type TarEntry = Extract extends AsyncIterable<infer E> ? E : never;

/** A shard that is a tar file, but not one of samples. */
class Incomplete extends Error {}

async function collect(unpack: AsyncIterable<TarEntry>, shard: string) {
  const entries: Entry[] = [];
  let sample: Sample | undefined;
  const finish = () => {
    if (!sample) return;
    const { key, image, label } = sample;
    if (!image) throw new Incomplete(`sample ${key} has no image`);
    if (label === undefined) throw new Incomplete(`sample ${key} has no class`);
    entries.push({ path: shard, label, ...image });
  };
  for await (const entry of unpack) {
    const { name, type } = entry.header;
    const [, key, suffix] = /^(.*?[^/.][^/.]*)\.([^/]*)$/.exec(name) ?? [];
    if (type === 'file' && key !== undefined && suffix !== undefined) {
      if (key !== sample?.key) {
        finish();
        sample = { key };
      }
      await learn(sample, suffix.toLowerCase(), entry);
    }
    entry.resume();
  }
  finish();
  return entries;
}

async function learn(sample: Sample, suffix: string, entry: TarEntry) {
  if (imageSuffixes.has(suffix)) {
    // The file follows its header.
    const startByte = entry.offset + headerBytes;
    sample.image = { startByte, bytes: entry.header.size };
  } else if (suffix === 'cls') {
    sample.label = await labelOf(sample.key, entry);
  }
}

async function labelOf(key: string, entry: TarEntry): Promise<number> {
  const { size } = entry.header;
  if (size > maxLabelBytes) throw new Incomplete(`the class of ${key} is long`);
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8').trim();
  const label = Number(text);
  if (/^\d+$/.test(text) && label <= maxLabel) return label;
  throw new Incomplete(`the class of ${key} is no number up to ${maxLabel}`);
}
