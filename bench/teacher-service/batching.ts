import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork } from '#distill/models/index.js';
import { sizeOf } from '#distill/tensors.js';
import { chooseForwardEngine, createEngine } from '#runtime/compute/index.js';
import { type EngineChoice, engineChoices } from '#runtime/compute/engine.js';
import type { LoadReport } from '../../cli/load/closed-loop.js';
import { spawnService, type Settings } from '../../test/processes.js';
import { startPeer } from './peers.js';
import { median } from '../statistics.js';
import { teacherFolder } from '../teacher-folder.js';

/** resnet32x4, the teacher of the CIFAR-100 tables, on its images. */
const network = createNetwork('resnet32x4', 100);
const weights = network.init(rngFrom(1, 'bench'));
const imageShape = [32, 32, 3] as const;
const batch = 4;

/** `RRD_ENGINE=webgpu npm run bench -- teacher-service`, on a machine with a GPU. */
function askedEngine(): EngineChoice {
  const asked = process.env['RRD_ENGINE'] ?? 'auto';
  const known = engineChoices.find((name) => name === asked);
  if (known) return known;
  throw new Error(`RRD_ENGINE is ${asked}, not of ${engineChoices.join()}`);
}

export interface LoadCase {
  readonly clients: number;
  readonly with: LoadReport;
  readonly without: LoadReport;
}

/**
 * img/s of the engine alone, the one that a teacher takes, for each batch size:
 * the best is the limit.
 */
export async function measureEngine(seconds: number) {
  const name = await chooseForwardEngine(askedEngine());
  const engine = await createEngine(name);
  const rates: Record<number, number> = {};
  for (const size of [8, 32, 64, 128]) {
    const program = createForwardProgram(network, [...imageShape], size);
    const executable = await engine.compile(program, weights);
    const shape = [size, ...imageShape];
    const images = { shape, data: new Float32Array(sizeOf(shape)) };
    await executable.run({ images });
    const times: number[] = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      const started = performance.now();
      await executable.run({ images });
      times.push(performance.now() - started);
    }
    rates[size] = (1000 * size) / median(times);
    executable.dispose();
  }
  return { engine: name, rates, best: Math.max(...Object.values(rates)) };
}

/**
 * The same load with and without batching, in turn. Without: each request is
 * a batch, and the program has exactly its size.
 */
export async function measureBatching(
  counts: readonly number[],
  seconds: number,
): Promise<LoadCase[]> {
  await using folder = await teacherFolder(network, weights, imageShape);
  const cases: LoadCase[] = [];
  for (const clients of counts) {
    const report = async (settings: Settings) => {
      const all = { MODELS_DIR: folder.modelsDir, ...settings };
      return underLoad(all, clients, seconds);
    };
    cases.push({
      clients,
      without: await report({ MAX_BATCH_SIZE: batch, MAX_QUEUE_DELAY_MS: 0 }),
      with: await report({ PREFERRED_BATCH_SIZES: '32,64,128' }),
    });
  }
  return cases;
}

async function underLoad(
  settings: Settings,
  clients: number,
  seconds: number,
): Promise<LoadReport> {
  // The load repeats its images: a cache would answer for the network.
  const engine = { ENGINE: askedEngine() };
  const computing = { CACHE__MEMORY_BYTES: 0, ...engine, ...settings };
  const teacher = await spawnService('teacher', computing);
  const { address } = teacher;
  const load = { address, model: network.name, clients, batch, seconds };
  try {
    return await startPeer<LoadReport>({ kind: 'load', ...load });
  } finally {
    await teacher.kill();
  }
}
