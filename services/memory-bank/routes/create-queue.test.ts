import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/logger.js';
import { connect } from '#runtime/rpc/client.js';
import { toConfig } from '../config.js';
import { startMemoryBank } from '../service.js';

const log = createLogger('test', { level: 'silent' });
const spec = {
  ...{ queue: 'shared/q', capacity: 4, featDim: 2, worldSize: 1 },
  ...{ init: 'QUEUE_INIT_ROWS' as const, teacherDigest: 't', shared: true },
};
const member = { runId: 'a', epoch: 1, nextStep: 0 };
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rrd-create-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** A bank with what the folder holds. */
async function open() {
  const bank = await startMemoryBank(toConfig({ dataDir }), { log });
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await bank.close();
    },
  };
}

describe('a shared queue that is made with its first member', () => {
  it('is on the disk, and so is the member', async () => {
    {
      await using bank = await open();
      const { state } = await bank.client.createQueue({ spec, member });
      expect(state?.members).toEqual([member]);
    }
    await using again = await open();
    const { state } = await again.client.getQueue({ queue: spec.queue });
    expect(state?.members).toEqual([member]);
  });
});
