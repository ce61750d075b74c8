import { spawnSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeRows } from '#distill/precision.js';
import { FifoQueue } from '#distill/queue.js';
import {
  BankStorageError,
  BatchConflictError,
  ConfigInvalidError,
} from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { Bank, type Reservation } from '../bank.js';
import type { BankQueue } from '../bank-queue.js';
import { toConfig, type MemoryBankSettings } from '../config.js';
import { createEvents } from '../events.js';
import type { Journal } from '../journal.js';
import { createRows, type QueueRows } from '../queue-rows.js';
import type { QueueSpec } from '../queue-spec.js';
import { openJournal } from './disk-journal.js';

const log = createLogger('test', { level: 'silent' });
const spec: QueueSpec = {
  ...{ queue: 'q', capacity: 7, featDim: 2, seed: 1, init: 'rows' },
  ...{ worldSize: 2, teacherDigest: 't', projectionSeed: 0 },
  precision: 'float32',
};
/** A memory of seven samples. */
const memorySpec: QueueSpec = { ...spec, init: 'uniform', momentum: 0.5 };
const halves: QueueSpec = { ...spec, precision: 'bfloat16' };
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rrd-bank-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

interface Opened {
  readonly bank: Bank;
  readonly journal: Journal;
}

/** A bank with what the folder holds. */
async function open(settings: MemoryBankSettings = {}): Promise<Opened> {
  const config = toConfig({ dataDir, ...settings });
  const bank = new Bank(config);
  const events = createEvents(bank, log);
  return { bank, journal: await openJournal(bank, config, events) };
}

/** A new queue that is not kept yet. */
function make({ bank }: Opened, of: QueueSpec = spec): BankQueue {
  const memory = bank.prepareCreate(of, 1) as Reservation;
  return bank.create(of, 1, memory, createRows(of)).queue;
}

async function create(
  opened: Opened,
  of: QueueSpec = spec,
): Promise<BankQueue> {
  const queue = make(opened, of);
  await opened.journal.keep(queue);
  return queue;
}

/** The same queue, for which the disk has no room. */
function unwritable(queue: BankQueue): BankQueue {
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
  const get = () => {
    throw full;
  };
  return Object.defineProperty(queue, 'rows', { get });
}

const rowsOf = (step: number, rank: number) =>
  Float32Array.from({ length: 2 * ((step % 3) + 1) }, (_, i) => {
    return step + rank / 10 + i / 100;
  });

/** Samples in a memory, others for each rank. */
const slotsOf = (step: number, rank: number) =>
  Array.from({ length: (step % 3) + 1 }, (_, i) => (step + 3 * rank + i) % 7);

const hand = ({ bank, journal }: Opened, step: number, rank: number) => {
  const queue = bank.get('q');
  const isMemory = queue.spec.momentum !== undefined;
  return journal.enqueue(queue, {
    ...{ runId: 'r', step, rank, epoch: 1, teacherDigest: 't', featDim: 2 },
    rows: encodeRows(rowsOf(step, rank), queue.spec.precision),
    ...(isMemory && { slots: slotsOf(step, rank) }),
    traceparent: '',
  });
};

/** What the queue must be after `steps` whole steps: no bank at all. */
function expected(steps: number, of: QueueSpec = spec): QueueRows {
  const queue = createRows(of);
  for (let step = 0; step < steps; step++) {
    const parts = [...rowsOf(step, 0), ...rowsOf(step, 1)];
    const rows = Float32Array.from(parts);
    if (queue instanceof FifoQueue)
      queue.enqueue(encodeRows(rows, of.precision));
    else {
      const slots = [...slotsOf(step, 0), ...slotsOf(step, 1)];
      queue.move(slots, rows, of.momentum!);
    }
  }
  return queue;
}

function expectAt(queue: BankQueue, steps: number): void {
  const fifo = expected(steps, queue.spec);
  expect(queue.state).toMatchObject({ version: steps, nextStep: steps });
  expect(queue.state.pointer).toBe(fifo.pointer);
  expect(queue.rows).toEqual(fifo.rows);
}

describe.each([
  ['a queue', spec],
  ['a memory of all samples', memorySpec],
  ['a queue of halves', halves],
])('%s on disk', (_, of) => {
  it('is back at its version, with pending rows and ids, after any order of batches and restarts', async () => {
    const action = fc.oneof(
      fc.record({ ahead: fc.nat(2), rank: fc.nat(1) }),
      fc.constant('restart' as const),
    );
    const actions = fc.array(action, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        actions,
        fc.constantFrom(1, 150, 10_000),
        async (actions, logBytes) => {
          await rm(dataDir, { recursive: true, force: true });
          let opened = await open({ logBytes, fsync: 'never' });
          await create(opened, of);
          const taken = new Set<string>();
          let next = 0;
          for (const action of actions) {
            if (action === 'restart') {
              await opened.journal.close();
              opened = await open({ logBytes, fsync: 'never' });
            } else {
              const step = next + action.ahead;
              const id = `${step}/${action.rank}`;
              const { duplicate } = await hand(opened, step, action.rank);
              expect(duplicate).toBe(taken.has(id));
              taken.add(id);
              while (taken.has(`${next}/0`) && taken.has(`${next}/1`)) next++;
            }
            const queue = opened.bank.get('q');
            expectAt(queue, next);
            expect(queue.state.pendingBatches).toBe(taken.size - 2 * next);
          }
          await opened.journal.close();
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it('still answers for commits that a reader had not seen', async () => {
    const first = await open({ logBytes: 200 });
    await create(first, of);
    for (let step = 0; step < 20; step++) {
      await Promise.all([hand(first, step, 1), hand(first, step, 0)]);
    }
    await first.journal.close();
    const again = await open();
    const queue = again.bank.get('q');
    const mirror = createRows(of);
    for (let delta; (delta = queue.deltaAfter(mirror.version));) {
      if (mirror instanceof FifoQueue) mirror.enqueue(delta.rows);
      else mirror.put(delta.slots!, delta.rows as Float32Array);
    }
    expect(mirror.rows).toEqual(expected(20, of).rows);
    await again.journal.close();
  });
});

describe('a queue on disk', () => {
  it('knows the bytes of an id after a restart', async () => {
    const first = await open();
    await create(first);
    await hand(first, 0, 0);
    await first.journal.close();
    const again = await open();
    const other = {
      ...{ runId: 'r', step: 0, rank: 0, epoch: 1, teacherDigest: 't' },
      ...{ featDim: 2, rows: Float32Array.of(9, 9), traceparent: '' },
    };
    await expect(
      again.journal.enqueue(again.bank.get('q'), other),
    ).rejects.toBeInstanceOf(BatchConflictError);
    await again.journal.close();
  });

  it('is gone when it was dropped', async () => {
    const first = await open();
    await create(first);
    first.bank.delete('q');
    await first.journal.drop('q');
    await first.journal.close();
    const again = await open();
    expect(again.bank.list()).toEqual([]);
    expect(await readdir(dataDir)).toEqual([]);
    await again.journal.close();
  });

  // A log of one byte is folded after each batch: it is while it is dropped.
  it.each([1, 10_000])(
    'is made anew while it is dropped, with logs of %i bytes',
    async (logBytes) => {
      const opened = await open({ logBytes });
      await create(opened);
      for (let attempt = 0; attempt < 20; attempt++) {
        const handed = [hand(opened, 0, 0), hand(opened, 0, 1)];
        // In turns: batches that are in, and batches on their way.
        if (attempt % 2 === 0) await Promise.all(handed);
        opened.bank.delete('q');
        const dropped = opened.journal.drop('q');
        await Promise.all([...handed, dropped, create(opened)]);
      }
      await Promise.all([hand(opened, 0, 0), hand(opened, 0, 1)]);
      await opened.journal.close();
      const again = await open();
      expectAt(again.bank.get('q'), 1);
      await again.journal.close();
    },
  );

  it('is gone for all who dropped it', async () => {
    const { bank, journal } = await open();
    await create({ bank, journal });
    bank.delete('q');
    const first = journal.drop('q');
    await journal.drop('q');
    expect(await readdir(dataDir)).toEqual([]);
    await first;
    await journal.close();
  });

  it('is refused to a second bank in the same folder', async () => {
    const { journal } = await open();
    await expect(open()).rejects.toBeInstanceOf(ConfigInvalidError);
    await journal.close();
  });

  it('damaged anywhere is put aside or at an earlier step, never wrong', async () => {
    const first = await open({ logBytes: 400, fsync: 'never' });
    await create(first);
    for (let step = 0; step < 9; step++) {
      await Promise.all([hand(first, step, 0), hand(first, step, 1)]);
    }
    await first.journal.close();
    const [name] = await readdir(dataDir);
    const folder = join(dataDir, name!);
    const files = await Promise.all(
      (await readdir(folder)).map(
        async (file) =>
          [join(folder, file), await readFile(join(folder, file))] as const,
      ),
    );
    const damage = fc.record({
      file: fc.nat(files.length - 1),
      at: fc.nat(),
      kind: fc.constantFrom('flip', 'cut', 'swap', 'remove'),
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, at, kind }) => {
        await rm(dataDir, { recursive: true, force: true });
        const opened = await open({ fsync: 'never' });
        await opened.journal.close();
        await mkdir(folder, { recursive: true });
        for (const [path, bytes] of files) await writeFile(path, bytes);
        await harm(files, file, at, kind);
        const { bank, journal } = await open({ fsync: 'never' });
        const [queue] = bank.list();
        if (queue) expectAt(queue, queue.state.version);
        else refused++;
        await journal.close();
      }),
      { numRuns: 120 },
    );
    expect(refused).toBeGreaterThan(0);
  }, 60_000);
});

describe('a queue that cannot be written', () => {
  it('is refused to all who wait for it, and leaves nothing', async () => {
    const opened = await open();
    const { bank, journal } = opened;
    const queue = unwritable(make(opened));
    const waiting = [
      journal.keep(queue),
      journal.keep(queue),
      hand(opened, 0, 0),
    ];
    const reason = expect.any(BankStorageError) as unknown;
    const refused = { status: 'rejected', reason };
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes).toEqual([refused, refused, refused]);
    expect(bank.list()).toEqual([]);
    expect(await readdir(dataDir)).toEqual([]);
    await journal.close();
  });

  it('is gone with the one that it was to replace', async () => {
    const opened = await open();
    const { bank, journal } = opened;
    await create(opened);
    const place = { epoch: 2, version: 3, pointer: 0, nextStep: 3 };
    const restoration = { spec, ...place };
    const memory = bank.prepareRestore(restoration);
    const queue = bank.restore(restoration, memory, new Float32Array(14));
    await expect(journal.keep(unwritable(queue))).rejects.toBeInstanceOf(
      BankStorageError,
    );
    expect(bank.list()).toEqual([]);
    expect(await readdir(dataDir)).toEqual([]);
    await journal.close();
  });

  it('does not take the next one of its name with it', async () => {
    const opened = await open();
    const { bank, journal } = opened;
    const keeping = journal.keep(unwritable(make(opened)));
    bank.delete('q');
    const dropped = journal.drop('q');
    const created = create(opened);
    await expect(keeping).rejects.toBeInstanceOf(BankStorageError);
    await dropped;
    expect(bank.get('q')).toBe(await created);
    await hand(opened, 0, 0);
    await journal.close();
  });
});

const mount = (...args: string[]) => spawnSync('mount', args).status === 0;

describe('a disk that is full', () => {
  it('refuses batches by name and takes them once there is room', async () => {
    if (!mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dataDir)) {
      console.log('SKIPPED: a full disk, since this user may not mount one');
      return;
    }
    try {
      const filler = join(dataDir, 'filler');
      const opened = await open();
      await create(opened);
      await writeFile(filler, Buffer.alloc(150_000));
      let steps = 0;
      const more = async () => {
        for (; steps < 2000; steps++) {
          await hand(opened, steps, 0);
          await hand(opened, steps, 1);
        }
      };
      await expect(more()).rejects.toBeInstanceOf(BankStorageError);
      await rm(filler);
      const refused = steps;
      await hand(opened, refused, 0);
      await hand(opened, refused, 1);
      expectAt(opened.bank.get('q'), refused + 1);
      await opened.journal.close();
      const again = await open();
      expectAt(again.bank.get('q'), refused + 1);
      await again.journal.close();
    } finally {
      spawnSync('umount', ['-l', dataDir]);
    }
  }, 60_000);
});

async function harm(
  files: readonly (readonly [string, Buffer])[],
  file: number,
  at: number,
  kind: string,
): Promise<void> {
  const [path, original] = files[file]!;
  const bytes = Buffer.from(original);
  const other = files[(file + 1) % files.length]![1];
  if (kind === 'remove') return rm(path);
  if (kind === 'flip') bytes[at % bytes.length]! ^= 1 << (at % 8);
  const harmed = { flip: bytes, cut: bytes.subarray(0, at % bytes.length) };
  await writeFile(path, kind === 'swap' ? other : harmed[kind as 'flip']);
}
