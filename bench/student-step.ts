import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors } from '#runtime/checkpoint/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { createEngine, engineProviders } from '#runtime/compute/index.js';
import { createOnnxEngine } from '#runtime/compute/onnx/index.js';
import { table } from '../cli/text.js';
import { findPyTorch, prefixed, PyTorchPeer, type Steps } from './pytorch.js';
import { median } from './statistics.js';
import { studentStep, workload } from './student-step-program.js';

/**
 * A student's training step on each engine that is present, beside PyTorch:
 * the same weights and inputs, the same losses in the first three steps, then
 * times, taken in turn.
 */

const threads = 2;
const checkedSteps = 3;
const tolerance = 1e-5;
const rounds = 4;

/** Steps in a row; a step of `cpu` takes an hour, so it is left out. */
const stepsPerRound = { tensorflow: 3, onnx: 3, wasm: 1 } as const;
type Timed = keyof typeof stepsPerRound;

interface Comparison {
  readonly engine: string;
  readonly ours: Summary;
  readonly peer: Summary;
  /** Our throughput in the peer's: above 1, we are faster. */
  readonly ratio: number;
  /** The same by processor time, which other programs disturb less. */
  readonly cpuRatio: number;
  /** The largest relative difference of a loss. */
  readonly lossDifference: number;
}

interface Summary {
  readonly medianMs: number;
  readonly bestMs: number;
  readonly worstMs: number;
  /** Median of the processor time. */
  readonly cpuMs: number;
}

/** `npm run bench -- student-step`: `ratio.student` is the fastest engine's. */
export async function benchStudentStep(): Promise<object> {
  const { ratio, ...rest } = await benchEngines();
  const [student] = Object.values(ratio);
  return { ratio: { student, ...ratio }, ...rest };
}

/** `npm run bench -- engines`: `ratio.<engine>`, in order of preference. */
export async function benchEngines() {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads); // read when it loads
  const { python, version } = await findPyTorch();
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  const results: Partial<Record<Timed, Comparison>> = {};
  try {
    const path = join(folder, 'step.safetensors');
    const { state, inputs } = studentStep();
    const all = { ...prefixed('state', state), ...prefixed('inputs', inputs) };
    await writeFile(path, encodeSafetensors(all, {}));
    for (const name of await presentEngines()) {
      const args = [path, String(threads)];
      const peer = new PyTorchPeer(python, 'student_step.py', args);
      const engine = await open(name);
      results[name] = await compare(engine, peer, stepsPerRound[name]);
      await Promise.all([engine.dispose(), peer.close()]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  print(version, Object.values(results));
  const load = loadavg()[0]!;
  if (load > availableParallelism() + 1) {
    console.log(
      `load ${load.toFixed(1)}: other programs were running, which slows PyTorch's spinning threads most`,
    );
  }
  const ratio = mapValues(results, (result) => result.ratio);
  return { ratio, peer: version, threads, workload, load, results };
}

async function presentEngines(): Promise<Timed[]> {
  const names: Timed[] = [];
  for (const provider of engineProviders) {
    const { name } = provider;
    if (name === 'cpu') continue;
    const problem = await provider.missing();
    if (problem) console.error(`bench: ${name} is left out: ${problem}`);
    else names.push(name);
  }
  return names;
}

function open(name: Timed): Promise<Engine> {
  return name === 'onnx' ? createOnnxEngine({ threads }) : createEngine(name);
}

async function compare(
  engine: Engine,
  peer: PyTorchPeer,
  steps: number,
): Promise<Comparison> {
  const { program, state, inputs } = studentStep();
  const executable = await engine.compile(program, state);
  const run = async (count: number): Promise<Steps> => {
    const [losses, ms, cpuMs]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < count; i++) {
      const [started, before] = [performance.now(), process.cpuUsage()];
      const { loss } = await executable.run(inputs);
      const { user, system } = process.cpuUsage(before);
      ms.push(performance.now() - started);
      cpuMs.push((user + system) / 1000);
      losses.push(loss!.data[0]!);
    }
    return { losses, ms, cpuMs };
  };
  const checked = await run(checkedSteps);
  const expected = await peer.run(checkedSteps);
  const lossDifference = largestDifference(checked.losses, expected.losses);
  if (!(lossDifference < tolerance)) {
    throw new Error(
      `${engine.name}: losses ${checked.losses.join()}, PyTorch ${expected.losses.join()}`,
    );
  }
  const [own, other]: [Steps[], Steps[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    own.push(await run(steps));
    other.push(await peer.run(steps));
  }
  executable.dispose();
  const [ours, theirs] = [summary(own), summary(other)];
  return {
    engine: engine.version,
    ours,
    peer: theirs,
    ratio: theirs.medianMs / ours.medianMs,
    cpuRatio: theirs.cpuMs / ours.cpuMs,
    lossDifference,
  };
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value / b[i]! - 1)));
}

function summary(rounds: readonly Steps[]): Summary {
  const ms = rounds.flatMap((round) => round.ms).toSorted((a, b) => a - b);
  return {
    medianMs: Math.round(median(ms)),
    bestMs: Math.round(ms[0]!),
    worstMs: Math.round(ms.at(-1)!),
    cpuMs: Math.round(median(rounds.flatMap((round) => round.cpuMs))),
  };
}

function print(peer: string, results: readonly Comparison[]): void {
  const cells = ({ medianMs, bestMs, worstMs, cpuMs }: Summary) =>
    `${medianMs} (${bestMs}-${worstMs}), CPU ${cpuMs}`;
  const rows = results.map((result) => [
    result.engine,
    cells(result.ours),
    cells(result.peer),
    result.ratio.toFixed(2),
    result.cpuRatio.toFixed(2),
    result.lossDifference.toExponential(0),
  ]);
  const title = 'ms a step: median (range)';
  const header = [title, 'ours', peer, 'ratio', 'by CPU time', 'loss +-'];
  console.log(table(header, rows));
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  const entries = Object.entries(record);
  return Object.fromEntries(entries.map(([name, v]) => [name, map(v)]));
}
