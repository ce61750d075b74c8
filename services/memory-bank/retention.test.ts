import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import type { RunningService } from '#runtime/service.js';
import { Bank, type Reservation } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import { toConfig } from './config.js';
import { createEvents } from './events.js';
import { noJournal } from './journal.js';
import { createRows } from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';
import { Retention } from './retention.js';
import { startMemoryBank } from './service.js';

const log = createLogger('test', { level: 'silent' });
let dataDir: string;
let bank: RunningService;
let client: RpcClient<'rrd.v1.MemoryBankService'>;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rrd-retention-'));
  bank = await startMemoryBank(toConfig({ dataDir, retentionMs: 400 }), {
    log,
  });
  client = connect('rrd.v1.MemoryBankService', bank.address);
});

afterEach(async () => {
  client.close();
  await bank.close();
  await rm(dataDir, { recursive: true, force: true });
});

const create = (queue: string) =>
  client.createQueue({
    spec: {
      ...{ queue, capacity: 4, featDim: 2, worldSize: 1, teacherDigest: 't' },
      init: 'QUEUE_INIT_ROWS',
    },
    epoch: 1,
  });

describe('a bank with a retention', () => {
  it('frees queues that nobody uses, on the disk too, and no others', async () => {
    await create('left');
    await create('read');
    const reading = client.subscribe({ queue: 'read' })[Symbol.asyncIterator]();
    await reading.next();
    const names = async () =>
      (await client.listQueues({})).queues.map(({ spec }) => spec?.queue);
    await expect.poll(names, { timeout: 10_000 }).toEqual(['read']);
    const folders = async () =>
      (await readdir(dataDir)).filter((name) => name.startsWith('queue-'));
    await expect.poll(folders).toHaveLength(1);
    await reading.return?.();
    await expect.poll(names, { timeout: 10_000 }).toEqual([]);
    // Its name is free again.
    const { state } = await create('left');
    expect(state?.version).toBe(0);
  }, 30_000);
});

describe('a retention', () => {
  it('leaves alone what is made under the name of what it frees', async () => {
    const bank = new Bank(toConfig());
    const make = (queue: string): BankQueue => {
      const spec: QueueSpec = {
        ...{ queue, capacity: 4, featDim: 2, seed: 1, init: 'rows' },
        ...{ worldSize: 1, teacherDigest: 't', projectionSeed: 0 },
        precision: 'float32',
      };
      const memory = bank.prepareCreate(spec, 1) as Reservation;
      return bank.create(spec, 1, memory, createRows(spec)).queue;
    };
    make('a');
    make('b');
    let remade: BankQueue | undefined;
    const drop = async () => {
      await nextTurn();
      if (remade) return;
      bank.delete('b');
      remade = make('b');
    };
    const retention = new Retention({
      ...{ bank, journal: { ...noJournal, drop }, retentionMs: 100 },
      events: createEvents(bank, log),
    });
    await expect.poll(() => remade, { interval: 1 }).toBeDefined();
    await retention.close();
    expect(bank.list()).toEqual([remade]);
  });
});
