import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '#runtime/checkpoint/index.js';
import type { ConvPrecision } from '#distill/ops/autocast.js';
import type { Engine } from '#runtime/compute/engine.js';
import {
  findPyTorch,
  type PeerDevice,
  prefixed,
  PyTorchPeer,
} from './pytorch.js';
import {
  inTurn,
  onEachEngine,
  onProcessor,
  printComparisons,
  ratiosOf,
  reportedLoad,
  threads,
  timed,
  type Comparison,
  type Sides,
  type Timed,
} from './side-by-side.js';
import { studentStep, workload } from './student-step-program.js';

/**
 * A student's training step on each engine that is present, beside PyTorch:
 * the same weights and inputs, the same losses in the first three steps, then
 * times, taken in turn.
 */

const checkedSteps = 3;
const tolerance = 1e-5;

interface StudentComparison extends Comparison {
  readonly engine: string;
  /** The largest relative difference of a loss. */
  readonly lossDifference: number;
}

/** `npm run bench -- student-step`: `ratio.student` is the fastest engine's in float32. */
export async function benchStudentStep(): Promise<object> {
  const { ratio, ...rest } = await benchEngines();
  const [student] = Object.values(ratio);
  return { ratio: { student, ...ratio }, ...rest };
}

/** `npm run bench -- engines`: `ratio.<engine>`, in order of preference. */
export async function benchEngines({
  engines,
  halves,
  peer,
}: Sides = onProcessor) {
  const { python, version } = await findPyTorch();
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  let results: Record<string, StudentComparison>;
  try {
    const path = join(folder, 'step.safetensors');
    const { state, inputs } = studentStep();
    const all = { ...prefixed('state', state), ...prefixed('inputs', inputs) };
    await writeFile(path, encodeSafetensors(all, {}));
    const files = { python, path };
    results = await beside(files, engines, peer, 'float32');
    for (const device of ['cpu', 'cpu-bf16'] as const) {
      const { tensorflow } = await beside(files, halves, device, 'bfloat16');
      if (tensorflow) results[`bfloat16 to ${device}`] = tensorflow;
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  printComparisons(version, results, {
    'loss +-': ({ lossDifference }) => lossDifference.toExponential(0),
  });
  const load = reportedLoad();
  const ratio = ratiosOf(results);
  const on = `${version} (${peer})`;
  return { ratio, peer: on, threads, workload, load, results };
}

function beside(
  { python, path }: { readonly python: string; readonly path: string },
  engines: readonly Timed[],
  device: PeerDevice,
  precision: ConvPrecision,
) {
  const isExact = precision === 'float32' && !device.endsWith('tf32');
  const args = [path, String(threads), device];
  return onEachEngine(
    engines,
    () => new PyTorchPeer(python, 'student_step.py', args),
    (name, engine, peer) => compare(name, engine, peer, isExact, precision),
  );
}

async function compare(
  name: Timed,
  engine: Engine,
  peer: PyTorchPeer,
  isExact: boolean,
  precision: ConvPrecision,
): Promise<StudentComparison> {
  const { program, state, inputs } = studentStep(precision);
  const executable = await engine.compile(program, state);
  const step = async () => (await executable.run(inputs))['loss']!.data[0]!;
  const { losses } = await timed(step, checkedSteps);
  const expected = await peer.run(checkedSteps);
  const lossDifference = largestDifference(losses, expected.losses);
  if (isExact && !(lossDifference < tolerance)) {
    throw new Error(
      `${name}: losses ${losses.join()}, PyTorch ${expected.losses.join()}`,
    );
  }
  const comparison = await inTurn(name, step, peer);
  executable.dispose();
  return { ...comparison, engine: engine.version, lossDifference };
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value / b[i]! - 1)));
}
