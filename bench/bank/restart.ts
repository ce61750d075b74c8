import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { spawnService } from '../../test/processes.js';
import { residentBytes } from '../resident-bytes.js';
import { enqueue, rowBytes, shape, type BankClient } from './latency.js';

const chunkRows = 4096;

/**
 * A queue of `capacity` rows through a kill: time to answer, memory, and the time
 * in which a program that does nothing else reads the same files.
 */
export async function measureRestart(dataDir: string, capacity: number) {
  const settings = { DATA_DIR: dataDir, MAX_BYTES: 3 * 2 ** 30 };
  const first = await spawnService('memory-bank', settings);
  const client = connect('rrd.v1.MemoryBankService', first.address);
  await fill(client, capacity);
  for (let step = 0; step < 500; step++) await enqueue(client, 'large', step);
  client.close();
  await first.kill();
  const diskSeconds = await readInSeconds(dataDir);
  const started = performance.now();
  const again = await spawnService('memory-bank', settings);
  const reader = connect('rrd.v1.MemoryBankService', again.address);
  const { state } = await reader.getQueue({ queue: 'large' });
  const seconds = (performance.now() - started) / 1000;
  if (state?.version !== 500) throw new Error('commits were lost');
  const bytes = await residentBytes(again.pid);
  reader.close();
  await again.kill();
  const empty = await spawnService('memory-bank', {});
  const emptyBytes = await residentBytes(empty.pid);
  await empty.kill();
  const raw = capacity * shape.featDim * 4;
  return { seconds, diskSeconds, memoryRatio: (bytes - emptyBytes) / raw };
}

/** All of a folder's files, one after the other. */
async function readInSeconds(folder: string): Promise<number> {
  const startedMs = performance.now();
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const file of files)
    if (file.isFile()) await readFile(join(file.parentPath, file.name));
  return (performance.now() - startedMs) / 1000;
}

async function fill(client: BankClient, capacity: number): Promise<void> {
  const { featDim } = shape;
  const spec = {
    ...{ queue: 'large', capacity, featDim, worldSize: 1 },
    ...{ init: 'QUEUE_INIT_ROWS' as const, teacherDigest: 'bench' },
  };
  const data = new Float32Array(chunkRows * featDim).fill(0.125);
  async function* messages() {
    yield { header: { spec, epoch: 1, version: 0, pointer: 0, nextStep: 0 } };
    for (let row = 0; row < capacity; row += chunkRows) {
      yield { chunk: toWire({ shape: [chunkRows, featDim], data }) };
    }
  }
  await client.restoreQueue(messages(), { deadlineMs: 120_000 });
}

/** Bytes of the log that a restart has to replay. */
export const replayedBytes = 500 * rowBytes;
