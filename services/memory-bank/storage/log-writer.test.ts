import {
  type FileHandle,
  mkdtemp,
  open,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogWriter } from './log-writer.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-log-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** Calls of `datasync` of any file from now on. */
async function watchSyncs() {
  const handle = await open(folder);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  return vi.spyOn(prototype, 'datasync');
}

async function emptyLog(name: string): Promise<LogWriter> {
  const path = join(folder, name);
  await writeFile(path, '');
  return LogWriter.open(path, 0, 'interval');
}

describe('a log that is synced now and then', () => {
  it('is on the disk before the next one is begun', async () => {
    const log = await emptyLog('first');
    await log.append({ kind: 'leave', runId: 'r' }, () => {});
    const syncs = await watchSyncs();
    await log.switchTo(() => {
      expect(syncs).toHaveBeenCalled();
      return emptyLog('second');
    });
    await log.close();
  });
});
