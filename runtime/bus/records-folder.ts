import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CorruptFileError, RecordsStorageError } from '../errors.js';
import { readBounded, replaceFile, syncFolder } from '../files.js';
import { maxMessageBytes } from './bus.js';
import type { StoredRecord } from './memory-records.js';
import { isToken } from './subjects.js';

const maxHeaderBytes = 200;
/** Numbers that one opening may give away: 2^21 openings fit in 2^53. */
const numbersEach = 2 ** 32;

/** A bucket's records by key. */
type Bucket = ReadonlyMap<string, StoredRecord>;

/**
 * Records of an in-process bus that outlive its process: a file of each, in a
 * folder of each bucket. A file is replaced whole and reaches the disk before a
 * write is acknowledged, so whatever ends the process, each record is the one
 * before or the one after. The file `openings.txt` counts, and is what makes
 * the newest one the owner: an earlier one can write no more.
 */
export class RecordsFolder {
  /** Below all revisions and sequence numbers of this opening. */
  readonly firstNumber: number;
  readonly #path: string;
  readonly #opening: number;
  readonly #found: ReadonlyMap<string, Bucket>;

  /** @throws CorruptFileError, RecordsStorageError */
  static async open(path: string): Promise<RecordsFolder> {
    return stored(path, async () => {
      await mkdir(path, { recursive: true });
      const opening = (await openingsOf(path)) + 1;
      const bytes = Buffer.from(String(opening));
      await replaceFile(join(path, 'openings.txt'), bytes, 'always');
      const buckets = new Map<string, Bucket>();
      for (const entry of await readdir(path, { withFileTypes: true })) {
        const { name } = entry;
        if (entry.isDirectory() && isToken(name))
          buckets.set(name, await readBucket(join(path, name)));
      }
      return new RecordsFolder(path, opening, buckets);
    });
  }

  private constructor(
    path: string,
    opening: number,
    found: ReadonlyMap<string, Bucket>,
  ) {
    this.#path = path;
    this.#opening = opening;
    this.#found = found;
    this.firstNumber = opening * numbersEach;
  }

  /** What earlier openings have left. */
  found(bucket: string): Bucket {
    return this.#found.get(bucket) ?? new Map<string, StoredRecord>();
  }

  /** @throws RecordsStorageError; the record before is still there then */
  async put(bucket: string, key: string, record: StoredRecord): Promise<void> {
    const path = join(this.#path, bucket, key);
    await stored(this.#path, async () => {
      await this.#checkOwner();
      if (await mkdir(dirname(path), { recursive: true }))
        await syncFolder(this.#path);
      await replaceFile(path, encodeFile(record), 'always');
    });
  }

  /** @throws RecordsStorageError; the record may still be there then */
  async remove(bucket: string, key: string): Promise<void> {
    const path = join(this.#path, bucket, key);
    await stored(this.#path, async () => {
      await this.#checkOwner();
      await rm(path, { force: true });
      await syncFolder(dirname(path));
    });
  }

  async #checkOwner(): Promise<void> {
    if ((await openingsOf(this.#path)) === this.#opening) return;
    const problem = 'another process has opened it since';
    throw new RecordsStorageError({ path: this.#path, problem });
  }
}

async function openingsOf(folder: string): Promise<number> {
  const path = join(folder, 'openings.txt');
  const text = await readFile(path, 'utf8').catch(absent);
  const openings = Number(text ?? 0);
  if (Number.isSafeInteger(openings) && openings >= 0) return openings;
  throw new CorruptFileError({ path, problem: 'it is not a number' });
}

async function readBucket(folder: string): Promise<Bucket> {
  const records = new Map<string, StoredRecord>();
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // What was being written when a process died was never acknowledged.
    if (!isToken(name)) await rm(path, { force: true });
    else records.set(name, await readRecord(path));
  }
  return records;
}

/** Revision and digest in a line, then the record as JSON. */
function encodeFile({ bytes, revision }: StoredRecord): Buffer {
  const header = JSON.stringify({ revision, sha256: sha256(bytes) });
  return Buffer.concat([Buffer.from(`${header}\n`), bytes]);
}

async function readRecord(path: string): Promise<StoredRecord> {
  const file = await readBounded(path, maxMessageBytes + maxHeaderBytes);
  const end = file.indexOf('\n');
  const bytes = new Uint8Array(file.subarray(end + 1));
  const [, revision, digest] =
    /^\{"revision":(\d{1,16}),"sha256":"([0-9a-f]{64})"\}$/.exec(
      file.toString('latin1', 0, Math.max(0, end)),
    ) ?? [];
  if (digest === sha256(bytes)) return { bytes, revision: Number(revision) };
  throw new CorruptFileError({ path, problem: 'its digest is another' });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** What the system says becomes an error with a reason. */
async function stored<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    const fields = { path, problem: error.message };
    throw new RecordsStorageError(fields, { cause: error });
  }
}
