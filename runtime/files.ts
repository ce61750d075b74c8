import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CorruptFileError } from './errors.js';

/** When files are told to reach the disk. */
export type Fsync = 'always' | 'interval' | 'never';

/** Writes a new file whole; it may be there from an attempt that failed. */
export async function writeWhole(
  path: string,
  parts: readonly Uint8Array[],
  fsync: Fsync,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const part of parts) await file.writeFile(part);
    if (fsync !== 'never') await file.datasync();
  } finally {
    await file.close();
  }
}

/** Replaces a file: a reader, or a crash, sees the old one or the new one. */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  fsync: Fsync,
): Promise<void> {
  const temporary = `${path}.new`;
  await writeWhole(temporary, [bytes], fsync);
  await rename(temporary, path);
  if (fsync !== 'never') await syncFolder(dirname(path));
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @throws CorruptFileError if it is no file, or longer than that */
export async function readBounded(
  path: string,
  maxBytes: number,
): Promise<Buffer> {
  const corrupt = (problem: string) => new CorruptFileError({ path, problem });
  const file = await open(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw corrupt('it is no file');
    if (stats.size > maxBytes)
      throw corrupt(`${stats.size} bytes, at most ${maxBytes}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
