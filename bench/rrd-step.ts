import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { projectionFor } from '#distill/projection.js';
import { FifoQueue } from '#distill/queue.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';
import { createNetwork } from '#distill/models/index.js';
import { encodeSafetensors } from '#runtime/checkpoint/index.js';
import { chooseEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { quantiseTeacher } from '../cli/quantise-teacher.js';
import { table } from '../cli/text.js';
import { runToEnd, startCluster } from '../test/cluster.js';
import { batchAt } from '../test/one-process.js';
import type { World } from '../test/world.js';
import { findPyTorch, prefixed, PyTorchPeer } from './pytorch.js';
import { threads } from './side-by-side.js';
import { stepsAlone } from './step-alone.js';
import { median, round } from './statistics.js';
import {
  makeWholeStepWorld,
  timesOf,
  wholeStep,
  wholeStepExperiment,
} from './whole-step.js';

/** The float32 teacher's: the fastest forward, see teacher-forward. */
const teacherEngine = 'onnx';
const checkedSteps = 3;
const tolerance = 1e-5;
/** `RRD_ROUNDS=1 npm run bench -- rrd-step` for fewer. */
const rounds = Number(process.env['RRD_ROUNDS'] ?? 2);
const peerSteps = 10;

type Timed = 'cold' | 'coldFloat32' | 'warm' | 'alone' | 'peer';

/**
 * `npm run bench -- rrd-step`: the whole step over the four services (teacher
 * forward, wire, bank, student; threads of one process) beside the same step
 * as a loop in PyTorch, whose batches are decoded before time is taken.
 * `cold`: every image is new to the teacher, which is in int8; `coldFloat32`:
 * or not. `warm`: the same run again, so that the teacher's cache knows all of
 * them, and `warmOverAlone` how much longer that is than the student's program
 * alone. Losses are compared in float32; of int8 it is said how far they are.
 */
export async function benchRrdStep(): Promise<object> {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads); // read when it loads
  const { python, version } = await findPyTorch();
  const engine = await chooseEngine('auto');
  await using world = await makeWholeStepWorld();
  await using cluster = await startCluster(world, { engine: teacherEngine });
  const { featureCosine } = await quantiseTeacher(
    join(world.modelsDir, 'teacher'),
    join(world.modelsDir, 'int8'),
    { datasets: {}, dataset: undefined, images: 256, featureCosine: 0.999 },
  );
  const run = async (seed: number, runId: string, model = 'teacher') => {
    const experiment = wholeStepExperiment(seed, engine, model);
    await runToEnd(cluster.orchestratorAddress, experiment, runId);
    return timesOf(world.runsDir, runId);
  };
  const path = await writeStart(world);
  const args = [path, String(threads), String(wholeStep.learningRate)];
  const peer = new PyTorchPeer(python, 'rrd_step.py', args);
  const dataset = await openDatasets({}).get('procedural');
  const { featureDim } = world.teacher.network;
  const ms: Record<Timed, number[]> = {
    ...{ cold: [], coldFloat32: [], warm: [], alone: [], peer: [] },
  };
  let [lossDifference, int8LossDifference] = [0, 0];
  for (let seed = 0; seed < rounds; seed++) {
    const float32 = await run(seed, `float32-${seed}`);
    if (seed === 0) {
      const { losses } = await peer.run(checkedSteps);
      lossDifference = requireEqual(float32.losses, losses);
    }
    const int8 = await run(seed, `cold-${seed}`, 'int8');
    if (seed === 0)
      int8LossDifference = differenceOf(int8.losses, float32.losses);
    ms.coldFloat32.push(...float32.ms);
    ms.cold.push(...int8.ms);
    ms.warm.push(...(await run(seed, `warm-${seed}`)).ms);
    ms.alone.push(...(await stepsAlone(engine, dataset, featureDim)));
    ms.peer.push(...(await peer.run(peerSteps)).ms);
  }
  await peer.close();
  const load = loadavg()[0]!;
  console.log(
    table(
      [
        'teacher, student: median ms a step (range)',
        'cold, int8',
        'cold, float32',
        'warm',
        'student alone',
        version,
      ],
      [
        [
          `${teacherEngine}, ${engine}`,
          cells(ms.cold),
          cells(ms.coldFloat32),
          cells(ms.warm),
          cells(ms.alone),
          cells(ms.peer),
        ],
      ],
    ),
  );
  const ratioOf = (own: readonly number[]) =>
    round(median(ms.peer) / median(own));
  return {
    ratio: {
      cold: ratioOf(ms.cold),
      coldFloat32: ratioOf(ms.coldFloat32),
      warm: ratioOf(ms.warm),
    },
    warmOverAlone: round(median(ms.warm) / median(ms.alone)),
    ...{ engine, teacherEngine, peer: version, threads, lossDifference, load },
    int8: { featureCosine, lossDifference: int8LossDifference },
    ...{ workload: wholeStep, medianMs: mediansOf(ms) },
  };
}

/** Weights, projection, queue and batches, as the first run has them. */
async function writeStart({ runsDir, teacher }: World): Promise<string> {
  const dataset = await openDatasets({}).get('procedural');
  const experiment = wholeStepExperiment(0, 'cpu');
  const { bank, training } = experiment;
  const { featureDim } = teacher.network;
  const { initialState } = createTrainProgram({
    network: createNetwork(wholeStep.student, dataset.classNames.length),
    ...{ experiment, imageShape: dataset.imageShape },
    teacherFeatureDim: featureDim,
  });
  const { projectionSeed, featDim, capacity } = bank;
  const projection = projectionFor(projectionSeed, featureDim, featDim);
  const batches = await Promise.all(
    Array.from({ length: checkedSteps }, (_, step) =>
      batchAt(step, experiment, dataset),
    ),
  );
  const named = batches.map(({ images, labels }, step) => ({
    [`images.${step}`]: images,
    [`labels.${step}`]: labels,
  }));
  const { rows } = FifoQueue.create(bank);
  const all: NamedHostTensors = {
    ...prefixed('student', initialState(training.seed)),
    ...prefixed('teacher', teacher.state),
    ...prefixed('projection', { ...projection }),
    queue: { shape: [capacity, featDim], data: rows },
    ...(Object.assign({}, ...named) as NamedHostTensors),
  };
  await mkdir(runsDir, { recursive: true });
  const path = join(runsDir, 'start.safetensors');
  await writeFile(path, encodeSafetensors(all, {}));
  return path;
}

/** @throws Error where a checked loss differs from the peer's */
function requireEqual(
  losses: readonly number[],
  expected: readonly number[],
): number {
  const difference = differenceOf(losses, expected);
  if (difference < tolerance) return difference;
  const own = losses.slice(0, expected.length).join();
  throw new Error(`losses ${own}, PyTorch ${expected.join()}`);
}

/** The largest, relative, over the steps of `expected`. */
function differenceOf(
  losses: readonly number[],
  expected: readonly number[],
): number {
  return Math.max(
    ...expected.map((value, step) => Math.abs(losses[step]! / value - 1)),
  );
}

function cells(ms: readonly number[]): string {
  const [best, worst] = [Math.min(...ms), Math.max(...ms)].map(Math.round);
  return `${Math.round(median(ms))} (${best}-${worst})`;
}

function mediansOf(ms: Readonly<Record<string, readonly number[]>>) {
  const entries = Object.entries(ms);
  return Object.fromEntries(
    entries.map(([name, values]) => [name, Math.round(median(values))]),
  );
}
