import { existsSync } from 'node:fs';
import {
  appendFile,
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BankQueue } from '../bank-queue.js';
import { toConfig } from '../config.js';
import { createRows } from '../queue-rows.js';
import type { QueueSpec } from '../queue-spec.js';
import { openStore, readCheckedManifest } from './open-store.js';
import { logPath, QueueStore, type StoreOptions } from './queue-store.js';
import { segmentPath } from './segments.js';

/** A memory of all samples: a checkpoint writes both of its segments. */
const spec: QueueSpec = {
  ...{ queue: 'q', capacity: 1024, featDim: 1024, seed: 1, init: 'uniform' },
  ...{ worldSize: 1, teacherDigest: 't', projectionSeed: 0, momentum: 0.5 },
  precision: 'float32',
};
const files = (log: number, segments: number) => [
  ...[`log-${log}.bin`, 'manifest.json'],
  ...[`rows-0-${segments}.bin`, `rows-1-${segments}.bin`],
];
const filesNow = async () => (await readdir(folder)).sort();
const failures: unknown[] = [];
/** Every batch makes a checkpoint. */
const options: StoreOptions = {
  ...{ fsync: 'always', logBytes: 1 },
  onCheckpointFailed: (_, error) => failures.push(error),
};
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-store-'));
  failures.length = 0;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

function create(): Promise<QueueStore> {
  const queue = new BankQueue(spec, 1, createRows(spec), 0, toConfig());
  return QueueStore.create(folder, queue, options);
}

async function reopen(): Promise<QueueStore> {
  const manifest = await readCheckedManifest(folder);
  return openStore(folder, manifest, toConfig(), options);
}

const hand = (store: QueueStore, step: number) =>
  store.enqueue({
    ...{ runId: 'r', step, rank: 0, epoch: 1, teacherDigest: 't' },
    ...{ featDim: 1024, rows: new Float32Array(1024).fill(step + 1) },
    ...{ slots: [step], traceparent: '' },
  });

/** The store read back from its files is as it was. */
async function expectBack({ queue }: QueueStore): Promise<void> {
  const again = await reopen();
  const { version } = again.queue.state;
  expect(version).toBe(queue.state.version);
  // `toEqual` on a large array takes seconds.
  const bytes = ({ rows }: BankQueue) => Buffer.from(rows.buffer);
  expect(bytes(again.queue).equals(bytes(queue))).toBe(true);
  await again.close();
}

const hasFullDevice = existsSync('/dev/full');

describe.skipIf(!hasFullDevice)(
  `a checkpoint that fails${hasFullDevice ? '' : ': SKIPPED, no /dev/full'}`,
  () => {
    const fill = (path: string) => symlink('/dev/full', path);

    it('takes the segments with it that it wrote', async () => {
      const store = await create();
      await fill(segmentPath(folder, 1, 1));
      await hand(store, 0);
      await store.close();
      expect(failures).toMatchObject([{ code: 'ENOSPC' }]);
      expect(await filesNow()).toEqual(['log-0.bin', ...files(1, 0)]);
      await expectBack(store);
    });

    it('leaves no other log behind the one that goes on', async () => {
      const store = await create();
      await fill(logPath(folder, 1));
      await hand(store, 0);
      await store.close();
      expect(failures).toMatchObject([{ code: 'ENOSPC' }]);
      expect(await filesNow()).toEqual(files(0, 0));
      await appendFile(logPath(folder, 0), 'half a record');
      await expectBack(store);
    });
  },
);

describe('a checkpoint', () => {
  /** A store whose first checkpoint was whole but for its last sync. */
  async function unsynced(): Promise<QueueStore> {
    const store = await create();
    const handle = await open(folder);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    vi.spyOn(prototype, 'sync')
      .mockResolvedValueOnce() // of the new log's name
      .mockRejectedValueOnce(new Error('no answer'));
    await hand(store, 0);
    await expect.poll(() => failures).toMatchObject([{ message: 'no answer' }]);
    return store;
  }

  it('keeps its files where only the sync of their manifest failed', async () => {
    const store = await unsynced();
    await store.close();
    await expectBack(store);
  });

  it('removes those of the one before whose sync failed', async () => {
    const store = await unsynced();
    await hand(store, 1);
    await store.close();
    expect(failures).toHaveLength(1);
    expect(await filesNow()).toEqual(files(2, 2));
    await expectBack(store);
  });

  it('that the process did not live to finish leaves nothing', async () => {
    const store = await create();
    await hand(store, 0);
    await store.close();
    const names = ['log-0.bin', 'rows-0-0.bin', 'rows-1-2.bin'];
    for (const name of [...names, 'manifest.json.new'])
      await writeFile(join(folder, name), 'left over');
    await expectBack(store);
    expect(await filesNow()).toEqual(files(1, 1));
  });
});
