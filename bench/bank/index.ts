import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EnqueueRates, measureEnqueue } from './enqueue.js';
import { measureFanOut } from './fan-out.js';
import { measureLatency } from './latency.js';
import { round } from '../statistics.js';
import { measureRestart } from './restart.js';

/**
 * `npm run bench -- bank`: readers are processes of their own, files are in the
 * system's folder for temporary ones.
 */
export async function benchBank(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  try {
    const latencies: Record<string, object> = {};
    for (const fsync of ['never', 'interval', 'always'] as const) {
      const dataDir = join(folder, fsync);
      const load = { subscribers: 8, steps: 500, commitsPerSecond: 100 };
      const latency = await measureLatency({ fsync, dataDir, ...load });
      console.log(`8 subscribers, 100 commits/s, fsync ${fsync}:`, latency);
      latencies[fsync] = latency;
    }
    const enqueues: Record<string, EnqueueRates> = {};
    for (const fsync of ['never', 'always'] as const) {
      const dataDir = join(folder, `rate-${fsync}`);
      const rates = await measureEnqueue(fsync, dataDir);
      console.log(`batches/s taken, fsync ${fsync}:`, rates);
      enqueues[fsync] = rates;
    }
    const fanOut = [];
    for (const subscribers of [1, 8, 32]) {
      const rates = await measureFanOut(subscribers);
      console.log('MiB/s to all subscribers:', rates);
      fanOut.push(rates);
    }
    const small = await measureRestart(join(folder, 'small'), 16384);
    const million = await measureRestart(join(folder, 'million'), 2 ** 20);
    const largest = await measureRestart(join(folder, 'largest'), 2 ** 22);
    console.log('restart after a kill:', { small, million, largest });
    const eight = fanOut[1]!;
    const kept = enqueues['always']!;
    return {
      ...latencies['always'],
      fsync: 'always',
      enqueuesPerSecond: round(kept.bank),
      enqueueRatioDisk: round(kept.bank / kept.disk),
      fanoutRatioTcp: round(eight.bank / eight.tcp),
      fanoutRatioHttp2: round(eight.bank / eight.http2),
      restartSmallSeconds: round(small.seconds),
      restartMillionSeconds: round(million.seconds),
      restartLargestSeconds: round(largest.seconds),
      memoryRatio: round(million.memoryRatio),
      memoryRatioLargest: round(largest.memoryRatio),
      restartRatioDisk: round(million.diskSeconds / million.seconds),
      ...{ latencies, enqueues, fanOut, loadAverage: loadavg()[0] },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
