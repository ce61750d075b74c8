import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Archive } from './archives.js';
import { download, type DownloadOptions } from './download.js';
import { unpack } from './unpack.js';

/**
 * Downloads and unpacks a data set into `folder`, unless it is there already;
 * a broken try is gone on from. The data set appears whole or not at all.
 * @returns the folder to read it from
 * @throws DownloadError, CorruptFileError
 */
export async function getDataset(
  archive: Archive,
  folder: string,
  options: DownloadOptions,
): Promise<string> {
  const target = join(folder, archive.folder);
  if (existsSync(target)) return target;
  await mkdir(folder, { recursive: true });
  const path = join(folder, basename(archive.url));
  await download(archive, path, options);
  const unfinished = `${target}.unpacking`;
  await rm(unfinished, { recursive: true, force: true });
  await unpack(path, archive.format, unfinished, {
    signal: options.signal,
    maxBytes: archive.maxUnpackedBytes,
  });
  await rename(join(unfinished, archive.folder), target);
  await rm(unfinished, { recursive: true });
  await rm(path);
  return target;
}
