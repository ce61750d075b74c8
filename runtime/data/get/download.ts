import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CorruptFileError, DownloadError } from '../../errors.js';
import type { Archive } from './archives.js';

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Bytes that are on the disk so far. */
  readonly onBytes?: (bytes: number) => void;
  /** A connection that brings nothing for so long is given up. */
  readonly stallMs?: number;
  /** Waited before the connection is tried again. */
  readonly retryMs?: number;
}

/** Tries in a row that bring no byte before the download is given up. */
const fruitlessTries = 4;

/**
 * Downloads an archive to `path`; what an earlier, broken try left there is
 * gone on from. The file is whole and checked when this resolves.
 * @throws DownloadError if the server cannot be reached or refuses
 * @throws CorruptFileError for other bytes than the archive's; they are removed
 */
export async function download(
  archive: Pick<Archive, 'url' | 'bytes' | 'md5'>,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const { signal, retryMs = 1000 } = options;
  for (let fruitless = 0; ;) {
    const before = await sizeOf(path);
    if (before >= archive.bytes) break;
    const problem = await receive(archive, path, before, options).then(
      () => undefined,
      (error: unknown) => error,
    );
    signal.throwIfAborted();
    const after = await sizeOf(path);
    if (after >= archive.bytes) break;
    fruitless = after > before ? 0 : fruitless + 1;
    const refused = problem instanceof DownloadError;
    if (refused || fruitless >= fruitlessTries) {
      throw refused ? problem : unreachable(archive.url, problem);
    }
    await delay(retryMs, undefined, { signal });
  }
  await check(archive, path, signal);
}

/** One connection: appends to the file what it brings. */
async function receive(
  { url, bytes }: Pick<Archive, 'url' | 'bytes'>,
  path: string,
  from: number,
  { signal, onBytes, stallMs = 30_000 }: DownloadOptions,
): Promise<void> {
  const stall = new AbortController();
  const giveUp = () => stall.abort(new Error(`nothing for ${stallMs} ms`));
  const timer = setTimeout(giveUp, stallMs);
  try {
    const response = await fetch(url, {
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      signal: AbortSignal.any([signal, stall.signal]),
    });
    const start = startOf(url, response, from);
    await using file = await openAt(path, start);
    let position = start;
    for await (const chunk of response.body!) {
      timer.refresh();
      const part = chunk as Uint8Array;
      if (position + part.length > bytes) {
        await file.truncate(0);
        const problem = `it sends more than ${bytes} bytes`;
        throw new DownloadError({ url, problem });
      }
      await file.write(part, 0, part.length, position);
      position += part.length;
      onBytes?.(position);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Where the answer's bytes belong: servers may not know ranges. */
function startOf(url: string, response: Response, from: number): number {
  const { status } = response;
  const range = response.headers.get('content-range') ?? '';
  if (status === 200) return 0;
  if (status === 206 && range.startsWith(`bytes ${from}-`)) return from;
  // A server that is busy may recover; one that says no will not.
  if (status >= 500) throw new Error(`HTTP ${status}`);
  throw new DownloadError({ url, problem: `HTTP ${status} ${range}`.trim() });
}

async function openAt(path: string, start: number): Promise<FileHandle> {
  return open(path, start === 0 ? 'w' : 'r+');
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

async function check(
  { bytes, md5 }: Pick<Archive, 'bytes' | 'md5'>,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path, { signal })) {
    hash.update(chunk as Buffer);
  }
  const found = hash.digest('hex');
  const size = await sizeOf(path);
  if (found === md5 && size === bytes) return;
  await rm(path);
  const problem = `MD5 ${found} of ${size} bytes, expected ${md5} of ${bytes}`;
  throw new CorruptFileError({ path, problem });
}

function unreachable(url: string, cause: unknown): DownloadError {
  const inner = cause instanceof Error && cause.cause ? cause.cause : cause;
  const problem = inner instanceof Error ? inner.message : String(inner);
  return new DownloadError({ url, problem }, { cause });
}
