import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '#runtime/rpc/client.js';
import { spawnService } from '../../test/processes.js';
import {
  bankArguments,
  createQueue,
  enqueue,
  type LatencyCase,
  rowBytes,
} from './latency.js';

const warmBatches = 256;
const batches = 2048;
/** As many as a run of many ranks, or with far prefetch, has on the way. */
const inFlight = 32;

type Fsync = LatencyCase['fsync'];

/** Batches a second. */
export interface EnqueueRates {
  readonly bank: number;
  readonly disk: number;
  readonly memcpy: number;
}

/**
 * Batches a second that a bank takes from one client, and that the disk takes as
 * plain writes of as many at a time, synced likewise; and that memory copies.
 */
export async function measureEnqueue(
  fsync: Fsync,
  dataDir: string,
): Promise<EnqueueRates> {
  const settings = { DATA_DIR: dataDir, FSYNC: fsync };
  const bank = await spawnService(
    ...(['memory-bank', settings, undefined, {}, bankArguments] as const),
  );
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  await createQueue(client, 'rate');
  let step = 0;
  const take = async (until: number) => {
    while (step < until) await enqueue(client, 'rate', step++);
  };
  const all = (until: number) =>
    Promise.all(Array.from({ length: inFlight }, () => take(until)));
  await all(warmBatches);
  const seconds = await secondsOf(() => all(warmBatches + batches));
  client.close();
  await bank.kill();
  const disk = batches / (await writeInSeconds(dataDir, fsync));
  return { bank: batches / seconds, disk, memcpy: batches / copyInSeconds() };
}

async function writeInSeconds(folder: string, fsync: Fsync): Promise<number> {
  const file = await open(join(folder, 'raw.bin'), 'w');
  const group = Array.from({ length: inFlight }, () => Buffer.alloc(rowBytes));
  try {
    return await secondsOf(async () => {
      for (let written = 0; written < batches; written += inFlight) {
        await file.writev(group);
        if (fsync === 'always') await file.datasync();
      }
    });
  } finally {
    await file.close();
  }
}

function copyInSeconds(): number {
  const [from, to] = [new Uint8Array(rowBytes), new Uint8Array(rowBytes)];
  const startedMs = performance.now();
  for (let batch = 0; batch < batches; batch++) to.set(from);
  return (performance.now() - startedMs) / 1000;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
