import { createHash } from 'node:crypto';
import { rngFrom } from '#distill/data/rng.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { spawnService } from '../../test/processes.js';
import { residentBytes } from '../resident-bytes.js';
import { median, round } from '../statistics.js';

type BankClient = RpcClient<'rrd.v1.MemoryBankService'>;

const sides = ['student', 'teacher'] as const;
const featDim = 128;
const batchRows = 64;
const steps = 300;
/** Of one GatherRows: a batch with its 16,384 negatives, once. */
const gathered = 16_385;
const deadline = { deadlineMs: 300_000 };

/**
 * Two memories in a durable bank: made, moved by a run's steps, read by place,
 * and through a kill. Times in seconds, memory as a share of the raw bytes.
 */
export async function measureBank(dataDir: string, samples: number) {
  const rawBytes = samples * featDim * 4 * sides.length;
  const settings = { DATA_DIR: dataDir, MAX_BYTES: 3 * rawBytes + 2 ** 30 };
  const empty = await residentBytesOfEmpty();
  const bank = await spawnService('memory-bank', settings);
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  const createSeconds = await secondsOf(async () => {
    for (const queue of sides) await create(client, queue, samples);
  });
  const stepSeconds: number[] = [];
  for (let step = 0; step < steps; step++) {
    stepSeconds.push(await secondsOf(() => move(client, step, samples)));
  }
  const slots = drawn(samples, gathered, 'gather');
  const before = await gather(client, slots);
  const gatherSeconds = await secondsOf(() => gather(client, slots));
  const copySeconds = copiedInSeconds(samples, slots);
  const memoryRatio = ((await residentBytes(bank.pid)) - empty) / rawBytes;
  client.close();
  await bank.kill();
  const started = performance.now();
  const again = await spawnService('memory-bank', settings);
  const reader = connect('rrd.v1.MemoryBankService', again.address);
  const { state } = await reader.getQueue({ queue: 'teacher' }, deadline);
  const restartSeconds = (performance.now() - started) / 1000;
  const after = await gather(reader, slots);
  reader.close();
  await again.kill();
  if (state?.version !== steps || after !== before)
    throw new Error('a memory is not what it was before the kill');
  return {
    createSeconds: round(createSeconds),
    stepMs: round(median(stepSeconds) * 1000),
    gatherMs: round(gatherSeconds * 1000),
    gatherRatioMemcpy: round(copySeconds / gatherSeconds),
    restartSeconds: round(restartSeconds),
    memoryRatio: round(memoryRatio),
  };
}

async function create(client: BankClient, queue: string, capacity: number) {
  const spec = {
    ...{ queue, capacity, featDim, worldSize: 1, momentum: 0.5 },
    ...{ init: 'QUEUE_INIT_UNIFORM' as const, teacherDigest: 'bench' },
  };
  await client.createQueue({ spec, epoch: 1 }, deadline);
}

/** A step's embeddings into both memories; the next GetQueue sees them. */
async function move(client: BankClient, step: number, samples: number) {
  const slots = drawn(samples, batchRows, step);
  const rng = rngFrom('bench', step);
  const data = Float32Array.from(
    { length: batchRows * featDim },
    () => rng.normal() / featDim ** 0.5,
  );
  const rows = toWire({ shape: [batchRows, featDim], data });
  const batchId = { runId: 'bench', step, rank: 0 };
  const ids = { epoch: 1, batchId, teacherDigest: 'bench' };
  await Promise.all(
    sides.map((queue) => client.enqueue({ ...ids, queue, rows, slots })),
  );
}

/** SHA-256 of rows of the teacher's memory. */
async function gather(client: BankClient, slots: number[]): Promise<string> {
  const hash = createHash('sha256');
  const request = { queue: 'teacher', slots };
  for await (const { rows } of client.gatherRows(request, deadline)) {
    if (rows) hash.update(rows.data);
  }
  return hash.digest('hex');
}

/** The limit: the same rows copied and hashed where they are. */
function copiedInSeconds(samples: number, slots: readonly number[]): number {
  const rows = new Float32Array(samples * featDim).fill(0.5);
  const startedMs = performance.now();
  const copy = new Float32Array(slots.length * featDim);
  slots.forEach((slot, i) => {
    const from = slot * featDim;
    copy.set(rows.subarray(from, from + featDim), i * featDim);
  });
  createHash('sha256').update(copy).digest();
  return (performance.now() - startedMs) / 1000;
}

/** Different samples. */
function drawn(samples: number, count: number, key: number | string): number[] {
  const rng = rngFrom('slots', key);
  const slots = new Set<number>();
  while (slots.size < count) slots.add(rng.integer(samples));
  return [...slots];
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

async function residentBytesOfEmpty(): Promise<number> {
  const empty = await spawnService('memory-bank', {});
  const bytes = await residentBytes(empty.pid);
  await empty.kill();
  return bytes;
}
