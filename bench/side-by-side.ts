import { availableParallelism, loadavg } from 'node:os';
import type { Engine } from '#runtime/compute/engine.js';
import { createEngine, engineProviders } from '#runtime/compute/index.js';
import { createOnnxEngine } from '#runtime/compute/onnx/index.js';
import { table } from '../cli/text.js';
import type { PeerDevice, PyTorchPeer, Steps } from './pytorch.js';
import { median } from './statistics.js';

/** An engine and PyTorch on the same work, in turn, with as many threads. */

/** The same for all: `TF_NUM_INTRAOP_THREADS` of every engine's threads. */
export const threads = 2;
const rounds = 4;

/** Steps in a row; a step of `cpu` takes an hour, so it is left out. */
const stepsPerRound = { tensorflow: 3, onnx: 3, wasm: 1, webgpu: 5 } as const;
export type Timed = keyof typeof stepsPerRound;

/** What is compared, and with what. */
export interface Sides {
  readonly engines: readonly Timed[];
  /** In bfloat16 besides. */
  readonly halves: readonly Timed[];
  readonly peer: PeerDevice;
}

export const onProcessor: Sides = {
  engines: ['tensorflow', 'onnx', 'wasm'],
  halves: ['tensorflow'],
  peer: 'cpu',
};

export interface Summary {
  readonly medianMs: number;
  readonly bestMs: number;
  readonly worstMs: number;
  /** Median of the processor time. */
  readonly cpuMs: number;
}

export interface Comparison {
  readonly ours: Summary;
  readonly peer: Summary;
  /** Our throughput in the peer's: above 1, we are faster. */
  readonly ratio: number;
  /** The same by processor time, which other programs disturb less. */
  readonly cpuRatio: number;
}

/** Compares every engine of `names` that is present with a peer of its own. */
export async function onEachEngine<Result extends Comparison>(
  names: readonly Timed[],
  openPeer: () => PyTorchPeer,
  compare: (name: Timed, engine: Engine, peer: PyTorchPeer) => Promise<Result>,
): Promise<Partial<Record<Timed, Result>>> {
  const results: Partial<Record<Timed, Result>> = {};
  for (const name of await present(names)) {
    const engine = await openEngine(name);
    const peer = openPeer();
    try {
      results[name] = await compare(name, engine, peer);
    } finally {
      await Promise.all([engine.dispose(), peer.close()]);
    }
  }
  return results;
}

/** Our throughput in the peer's, of each engine. */
export function ratiosOf(
  results: Readonly<Record<string, Comparison>>,
): Record<string, number> {
  const entries = Object.entries(results);
  return Object.fromEntries(entries.map(([name, { ratio }]) => [name, ratio]));
}

async function present(wanted: readonly Timed[]): Promise<Timed[]> {
  const names: Timed[] = [];
  for (const name of wanted) {
    const provider = engineProviders.find((known) => known.name === name);
    const problem = await provider!.missing();
    if (problem) console.error(`bench: ${name} is left out: ${problem}`);
    else names.push(name);
  }
  return names;
}

function openEngine(name: Timed): Promise<Engine> {
  // TensorFlow reads it when it loads.
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  return name === 'onnx' ? createOnnxEngine({ threads }) : createEngine(name);
}

/** Runs `step` `count` times. @param step resolves to its loss */
export async function timed(
  step: () => Promise<number>,
  count: number,
): Promise<Steps> {
  const [losses, ms, cpuMs]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < count; i++) {
    const [started, before] = [performance.now(), process.cpuUsage()];
    losses.push(await step());
    const { user, system } = process.cpuUsage(before);
    ms.push(performance.now() - started);
    cpuMs.push((user + system) / 1000);
  }
  return { losses, ms, cpuMs };
}

export async function inTurn(
  name: Timed,
  step: () => Promise<number>,
  peer: PyTorchPeer,
): Promise<Comparison> {
  const steps = stepsPerRound[name];
  const [own, other]: [Steps[], Steps[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    own.push(await timed(step, steps));
    other.push(await peer.run(steps));
  }
  const [ours, theirs] = [summary(own), summary(other)];
  return {
    ours,
    peer: theirs,
    ratio: theirs.medianMs / ours.medianMs,
    cpuRatio: theirs.cpuMs / ours.cpuMs,
  };
}

function summary(rounds: readonly Steps[]): Summary {
  const ms = rounds.flatMap((round) => round.ms).toSorted((a, b) => a - b);
  return {
    medianMs: tenths(median(ms)),
    bestMs: tenths(ms[0]!),
    worstMs: tenths(ms.at(-1)!),
    cpuMs: tenths(median(rounds.flatMap((round) => round.cpuMs))),
  };
}

/** Prints a table. @param more further columns of each engine, by title */
export function printComparisons<Result extends Comparison>(
  peer: string,
  results: Readonly<Record<string, Result>>,
  more: Readonly<Record<string, (result: Result) => string>>,
): void {
  const cells = ({ medianMs, bestMs, worstMs, cpuMs }: Summary) =>
    `${medianMs} (${bestMs}-${worstMs}), CPU ${cpuMs}`;
  const rows = Object.entries(results).map(([name, result]) => [
    name,
    cells(result.ours),
    cells(result.peer),
    result.ratio.toFixed(2),
    result.cpuRatio.toFixed(2),
    ...Object.values(more).map((cell) => cell(result)),
  ]);
  const title = 'ms a step: median (range)';
  const header = [title, 'ours', peer, 'ratio', 'by CPU time'];
  console.log(table([...header, ...Object.keys(more)], rows));
}

/** The load of the machine; says so if that spoils the times. */
export function reportedLoad(): number {
  const load = loadavg()[0]!;
  if (load > availableParallelism() + 1) {
    console.log(
      `load ${load.toFixed(1)}: other programs were running, which slows PyTorch's spinning threads most`,
    );
  }
  return load;
}

const tenths = (ms: number) => Math.round(ms * 10) / 10;
