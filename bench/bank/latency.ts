import { cpus, loadavg } from 'node:os';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { toConfig } from '../services/memory-bank/config.js';
import { startMemoryBank } from '../services/memory-bank/service.js';

/**
 * The memory bank over gRPC on loopback, both ends in this process: how fast
 * rows go in, and how long until every subscriber has seen their commit.
 */

const capacity = 16384;
const featDim = 128;
const batchRows = 64;
const inFlight = 8;
const rowBytes = batchRows * featDim * Float32Array.BYTES_PER_ELEMENT;

type BankClient = RpcClient<'rrd.v1.MemoryBankService'>;

/** One writer and `count` subscribers, each with a connection of its own. */
async function measure(address: string, count: number, steps: number) {
  const queue = `bench-${count}`;
  const writer = connect('rrd.v1.MemoryBankService', address);
  const createMs = await createQueue(writer, queue);
  const started = new Float64Array(steps);
  const readers = Array.from({ length: count }, () =>
    connect('rrd.v1.MemoryBankService', address),
  );
  const readings = readers.map((reader) =>
    readLatencies(reader, queue, started),
  );
  await subscribed(writer, queue, count);
  const before = { ...writer.bytes };
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  await enqueueAll(writer, queue, started);
  const seconds = (performance.now() - begin) / 1000;
  const latencies = (await Promise.all(readings)).flat().sort((a, b) => a - b);
  const cpu = process.cpuUsage(cpuBefore);
  const sent = writer.bytes.sent - before.sent;
  const [first] = readers;
  for (const client of [writer, ...readers]) client.close();
  return {
    subscribers: count,
    createMs: round(createMs),
    enqueuesPerSecond: round(steps / seconds),
    rowsMiBPerSecond: round((steps * rowBytes) / seconds / 2 ** 20),
    visibleP50Ms: round(quantile(latencies, 0.5)),
    visibleP99Ms: round(quantile(latencies, 0.99)),
    cpuMsPerStep: round((cpu.user + cpu.system) / 1000 / steps),
    bytesUpPerStep: Math.round(sent / steps),
    bytesDownPerStep: Math.round((first?.bytes.received ?? 0) / steps),
  };
}

async function createQueue(client: BankClient, queue: string): Promise<number> {
  const spec = {
    queue,
    capacity,
    featDim,
    init: 'QUEUE_INIT_ROWS' as const,
    worldSize: 1,
    teacherDigest: 'bench',
  };
  const started = performance.now();
  await client.createQueue({ spec, epoch: 1 }, { deadlineMs: 60_000 });
  return performance.now() - started;
}

/** Milliseconds from the start of each Enqueue to the arrival of its delta. */
async function readLatencies(
  client: BankClient,
  queue: string,
  started: Float64Array,
): Promise<number[]> {
  const latencies: number[] = [];
  for await (const { delta } of client.subscribe({ queue, fromVersion: 0 })) {
    if (!delta) continue;
    latencies.push(performance.now() - started[delta.step]!);
    if (latencies.length === started.length) break;
  }
  return latencies;
}

async function subscribed(
  client: BankClient,
  queue: string,
  count: number,
): Promise<void> {
  for (;;) {
    const { state } = await client.getQueue({ queue });
    if (state?.subscribers === count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Hands in all steps with `inFlight` calls at a time, as students do. */
async function enqueueAll(
  client: BankClient,
  queue: string,
  started: Float64Array,
): Promise<void> {
  const data = Float32Array.from(
    { length: batchRows * featDim },
    (_, i) => Math.sin(i) / 8,
  );
  const rows = toWire({ shape: [batchRows, featDim], data });
  let next = 0;
  const lane = async () => {
    for (let step = next++; step < started.length; step = next++) {
      started[step] = performance.now();
      const batchId = { runId: 'bench', step, rank: 0 };
      const ids = { queue, epoch: 1, batchId, teacherDigest: 'bench' };
      await client.enqueue({ ...ids, rows });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

const round = (value: number) => Math.round(value * 100) / 100;

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;

/** `npm run bench -- bank`: prints one line a case, then all as JSON. */
export async function benchBank(): Promise<object> {
  const log = createLogger('bench', { level: 'warn' });
  const bank = await startMemoryBank(toConfig(), { log });
  await measure(bank.address, 1, 200); // warms up
  await bank.close();
  const cases: object[] = [];
  for (const subscribers of [1, 8]) {
    const server = await startMemoryBank(toConfig(), { log });
    const result = await measure(server.address, subscribers, 1_000);
    await server.close();
    console.log(result);
    cases.push(result);
  }
  const batch = { rows: batchRows, featDim, bytes: rowBytes, inFlight };
  const loadAverage = round(loadavg()[0] ?? NaN);
  return { capacity, batch, loadAverage, cores: cpus().length, cases };
}
