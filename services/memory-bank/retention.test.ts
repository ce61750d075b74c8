import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import type { RunningService } from '#runtime/service.js';
import { toConfig } from './config.js';
import { startMemoryBank } from './service.js';

let dataDir: string;
let bank: RunningService;
let client: RpcClient<'rrd.v1.MemoryBankService'>;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rrd-retention-'));
  const log = createLogger('test', { level: 'silent' });
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
