import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { createLogger } from '#runtime/logger.js';
import { type LocalCluster, startLocalCluster } from '../cli/local-cluster.js';
import { installModel } from '../cli/models.js';
import { measurementsOf, runToEnd } from '../test/cluster.js';
import { startDelayingProxy } from '../test/delaying-proxy.js';
import { round } from './statistics.js';

const stalenesses = [0, 1, 4, 16];
const seeds = [1, 2];
/** To the bank; and back is as far again. */
const delayMs = Number(process.env['RRD_DELAY_MS'] ?? 400);

const student = { network: 'resnet8' };
/** Of each student; its teacher learns twice as long. */
const epochs = Number(process.env['RRD_EPOCHS'] ?? 2);
const training = { epochs, milestones: [Math.ceil(epochs * 0.7)] };
/** A snapshot alone takes many ways there and back. */
const deadlines = { bankMs: 120_000, commitMs: 120_000 };

/**
 * `RRD_DATA=folder:DIR RRD_EPOCHS=4 npm run bench -- staleness`: RRD + KD of a resnet8 from a
 * short-trained resnet8, with a bank that is far away and nothing asked for ahead,
 * by `bank.staleness`: accuracy, images a second, and how far the queue was behind.
 */
export async function benchStaleness(): Promise<object> {
  const data = process.env['RRD_DATA'] ?? 'procedural';
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  try {
    await using proxy = await startDelayingProxy(delayMs);
    const modelsDir = join(folder, 'models');
    const runsDir = join(folder, 'runs');
    const log = createLogger('bench', { level: 'silent' });
    await using cluster = await startLocalCluster({
      ...{ datasets: { images: data }, modelsDir, runsDir, log },
      engine: 'onnx',
      students: seeds.length,
      settings: { student: { memoryBank: proxy.address, deadlines } },
    });
    proxy.target = cluster.memoryBankAddress;
    await trainTeacher(cluster, modelsDir);
    const rows = [];
    for (const staleness of stalenesses) {
      const runs = seeds.map((seed) =>
        measure(cluster, runsDir, staleness, seed),
      );
      for (const row of await Promise.all(runs)) {
        console.log(row);
        rows.push(row);
      }
    }
    return { data, delayMs, epochs, rows, loadAverage: loadavg()[0] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function trainTeacher(
  { orchestratorAddress }: LocalCluster,
  modelsDir: string,
): Promise<void> {
  const experiment = experimentOf({
    loss: { crossEntropy: 1 },
    training: { ...training, epochs: 2 * epochs },
  });
  const { result } = await runToEnd(orchestratorAddress, experiment, 'teacher');
  console.log('teacher:', result?.testAccuracy);
  await installModel(result!.checkpoint, modelsDir, 'teacher');
}

async function measure(
  { orchestratorAddress }: LocalCluster,
  runsDir: string,
  staleness: number,
  seed: number,
) {
  const runId = `s${staleness}-${seed}`;
  const kd = { weight: 1, temperature: 4 };
  const experiment = experimentOf({
    ...{ teacher: { model: 'teacher' }, prefetch: 1 },
    loss: { crossEntropy: 1, kd, rrd: { weight: 1, preset: 'v2024' } },
    bank: { capacity: 2048, staleness },
    training: { ...training, seed },
  });
  const { result } = await runToEnd(orchestratorAddress, experiment, runId);
  const recorded = await measurementsOf(runsDir, runId);
  const steps = recorded.filter(({ type }) => type === 'step');
  const { queueLags } = recorded.at(-1)!;
  const lags = steps.map(({ queueLag }) => queueLag as number);
  return {
    ...{ staleness, seed, accuracy: result!.testAccuracy },
    imagesPerSecond: round(result!.imagesPerSecond),
    meanLag: round(lags.reduce((sum, lag) => sum + lag, 0) / lags.length),
    ...{ maxLag: Math.max(...lags), queueLags },
  };
}

function experimentOf(fields: object): Experiment {
  const common = { name: 'staleness', dataset: 'images', student };
  const engine = 'tensorflow';
  return experimentSchema.parse({ ...common, engine, ...fields });
}
