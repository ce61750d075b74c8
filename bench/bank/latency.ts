import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { spawnService } from '../../test/processes.js';
import { startPeers } from './peers.js';

/** A queue as CIFAR runs have it, and what one step brings. */
export const shape = { capacity: 16384, featDim: 128, batchRows: 64 };
export const rowBytes = shape.batchRows * shape.featDim * 4;

export type BankClient = RpcClient<'rrd.v1.MemoryBankService'>;

export async function createQueue(client: BankClient, queue: string) {
  const spec = {
    ...{ queue, capacity: shape.capacity, featDim: shape.featDim },
    ...{ init: 'QUEUE_INIT_ROWS' as const, worldSize: 1 },
    teacherDigest: 'bench',
  };
  await client.createQueue({ spec, epoch: 1 }, { deadlineMs: 60_000 });
}

const data = Float32Array.from({ length: rowBytes / 4 }, (_, i) => {
  return Math.sin(i) / 8;
});
const rows = toWire({ shape: [shape.batchRows, shape.featDim], data });

export async function enqueue(client: BankClient, queue: string, step: number) {
  const batchId = { runId: 'bench', step, rank: 0 };
  const ids = { queue, epoch: 1, batchId, teacherDigest: 'bench' };
  await client.enqueue({ ...ids, rows });
}

export interface LatencyCase {
  readonly fsync: 'always' | 'interval' | 'never';
  readonly dataDir: string;
  readonly subscribers: number;
  readonly steps: number;
  readonly commitsPerSecond: number;
}

/** As deploy/ starts it: see docs/memory-bank.md. */
export const bankArguments = ['--initial-old-space-size=256'];

/** From the start of an Enqueue to its delta in another process. */
export async function measureLatency(options: LatencyCase) {
  const { fsync, dataDir, subscribers, steps, commitsPerSecond } = options;
  const settings = { DATA_DIR: dataDir, FSYNC: fsync };
  const bank = await spawnService(
    ...(['memory-bank', settings, undefined, {}, bankArguments] as const),
  );
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  await createQueue(client, 'latency');
  const peers = await startPeers(
    ...(['grpc', bank.address, 'latency', steps, subscribers] as const),
  );
  const started: number[] = [];
  const begin = performance.now();
  for (let step = 0; step < steps; step++) {
    const due = begin + (step * 1000) / commitsPerSecond;
    await new Promise((r) => setTimeout(r, due - performance.now()));
    started.push(Number(process.hrtime.bigint()) / 1e6);
    await enqueue(client, 'latency', step);
  }
  const reports = await peers.finish();
  const latencies = reports
    .flatMap(({ arrivedMs }) => arrivedMs.map((at, i) => at - started[i]!))
    .sort((a, b) => a - b);
  client.close();
  await bank.kill();
  const received = reports[0]!.bytes;
  return {
    bytesPerStep: Math.round(received / steps),
    visibleP50Ms: quantile(latencies, 0.5),
    visibleP99Ms: quantile(latencies, 0.99),
  };
}

export function quantile(sorted: readonly number[], q: number): number {
  const at = Math.min(sorted.length - 1, Math.floor(q * sorted.length));
  return Math.round((sorted[at] ?? NaN) * 100) / 100;
}
