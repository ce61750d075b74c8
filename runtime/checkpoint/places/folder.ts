import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { syncFolder } from '../../files.js';
import { readStored } from '../stored-file.js';
import {
  type CheckpointPlace,
  type Content,
  type ContentName,
  manifestName,
} from './place.js';

/** A folder of folders, one a checkpoint; names that begin with a dot are not. */
export class FolderPlace implements CheckpointPlace {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(unlessMissing);
    return (names ?? []).filter((name) => !name.startsWith('.'));
  }

  /**
   * A temporary folder is written, synced and renamed, then the parent is synced.
   * A crash between the two renames of a replacement leaves the old checkpoint
   * beside, under a name that begins with a dot.
   */
  async write(
    name: string,
    contents: readonly Content[],
    manifest: string,
  ): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const temporary = join(this.#folder, `.${name}-${randomUUID()}`);
    await mkdir(temporary); // not mkdtemp: other users may read checkpoints
    try {
      for (const { name: file, bytes } of contents)
        await writeSynced(join(temporary, file), bytes);
      await writeSynced(join(temporary, manifestName), manifest);
      await syncFolder(temporary);
      await replaceFolder(temporary, join(this.#folder, name));
      await syncFolder(this.#folder);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  readManifest(name: string, maxBytes: number): Promise<Uint8Array> {
    return readStored(join(this.#folder, name, manifestName), maxBytes);
  }

  readContent(
    name: string,
    content: ContentName,
    maxBytes: number,
  ): Promise<Uint8Array> {
    return readStored(join(this.#folder, name, content.name), maxBytes);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { recursive: true, force: true });
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
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
