import { availableParallelism, loadavg } from 'node:os';
import type { NamedHostTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import { chooseEngine, createEngine } from '#runtime/compute/index.js';
import { table } from '../../cli/text.js';
import { maxRelativeDifference } from '../../test/cluster.js';
import { startNatsServer } from '../../test/nats.js';
import type { Environments } from '../../test/processes.js';
import { timedLoop } from '../scale/one-loop.js';
import { timedRun } from '../scale/timed-run.js';
import {
  makeScaleWorld,
  type ScalePlace,
  scaleExperiment,
  startScale,
} from '../scale/world.js';
import { threads } from '../side-by-side.js';
import { median, round } from '../statistics.js';
import { measureBreakdown, printBreakdown } from './breakdown.js';

/** `RRD_ROUNDS=1 npm run bench -- ranks` for fewer. */
const rounds = Number(process.env['RRD_ROUNDS'] ?? 3);
const rankCounts = [1, 2] as const;

/** Of a step: median of the rounds. */
interface Times {
  readonly ms: number;
  readonly cpuMs: number;
}

interface Sides {
  readonly services: Times;
  readonly alone: Times;
}

interface Case {
  readonly ranks: number;
  /** Every image is new to the teacher. */
  readonly whole: Sides;
  /** The teacher has answered it all before. */
  readonly known: Sides;
  /** Of any loss: 0 where the thread counts are equal. */
  readonly maxRelativeDifference: number;
}

/**
 * `npm run bench -- ranks`: N ranks on N student workers, beside one loop that
 * computes the same ranks one after the other, on as many threads.
 */
export async function benchRanks(): Promise<object> {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads); // read when it loads
  const name = await chooseEngine('auto');
  const loop = await createEngine(name);
  await using world = await makeScaleWorld();
  const nats = await startNatsServer();
  const cases: Case[] = [];
  const breakdowns = [];
  try {
    for (const ranks of rankCounts) {
      const place = { world, nats, engine: name };
      cases.push(await compare(place, loop, ranks));
      const environments = threadsOf(ranks);
      breakdowns.push(await measureBreakdown(place, ranks, environments));
    }
  } finally {
    await nats.close();
    await loop.dispose();
  }
  print(cases);
  printBreakdown(breakdowns);
  const byRanks = (value: (own: Case) => number) =>
    Object.fromEntries(cases.map((own) => [own.ranks, round(value(own))]));
  return {
    overhead: byRanks(({ whole }) => overheadOf(whole, 'ms')),
    cpuOverhead: byRanks(({ whole }) => overheadOf(whole, 'cpuMs')),
    knownOverhead: byRanks(({ known }) => overheadOf(known, 'ms')),
    knownCpuOverhead: byRanks(({ known }) => overheadOf(known, 'cpuMs')),
    ...{ engine: name, threads, cores: availableParallelism(), rounds },
    ...{ load: loadavg()[0], cases, breakdowns },
  };
}

/**
 * Workers share the threads that the one loop has, so both keep as many cores
 * busy while students learn; the teacher has them all.
 */
function threadsOf(ranks: number): Environments {
  return (role) => ({
    TF_NUM_INTRAOP_THREADS:
      role === 'student' ? Math.max(1, Math.floor(threads / ranks)) : threads,
  });
}

async function compare(
  place: ScalePlace,
  loop: Engine,
  ranks: number,
): Promise<Case> {
  const { world, engine } = place;
  await using cluster = await startScale(place, ranks, threadsOf(ranks));
  const sides = () => ({ services: [] as Times[], alone: [] as Times[] });
  const all = { whole: sides(), known: sides() };
  const differences: number[] = [];
  for (let dataSeed = 1; dataSeed <= rounds; dataSeed++) {
    const experiment = scaleExperiment(engine, { dataSeed, ranks });
    const taught = new Map<number, NamedHostTensors>();
    for (const what of ['whole', 'known'] as const) {
      const runId = `ranks-${ranks}-${dataSeed}-${what}`;
      const served = await timedRun(
        ...([cluster, world.runsDir, experiment, runId] as const),
      );
      const alone = await timedLoop(world, loop, experiment, taught);
      console.log(
        `${runId}: ${served.ms.toFixed(0)} ms a step, alone ${alone.ms.toFixed(0)}; ` +
          `CPU ${served.cpuMs.toFixed(0)} ms, alone ${alone.cpuMs.toFixed(0)}; of it ` +
          rolesOf(served.cpuMsOf),
      );
      all[what].services.push(served);
      all[what].alone.push(alone);
      const losses = served.losses.slice(0, alone.losses.length);
      differences.push(maxRelativeDifference(losses, alone.losses));
    }
  }
  return {
    ...{ ranks, whole: middles(all.whole), known: middles(all.known) },
    maxRelativeDifference: Math.max(...differences),
  };
}

function rolesOf(cpuMs: Readonly<Record<string, number>>): string {
  const each = Object.entries(cpuMs);
  return each.map(([role, ms]) => `${role} ${ms.toFixed(0)}`).join(', ');
}

function middles(sides: Record<keyof Sides, readonly Times[]>): Sides {
  const middle = (times: readonly Times[]) => ({
    ms: median(times.map(({ ms }) => ms)),
    cpuMs: median(times.map(({ cpuMs }) => cpuMs)),
  });
  return { services: middle(sides.services), alone: middle(sides.alone) };
}

function overheadOf({ services, alone }: Sides, of: keyof Times): number {
  return services[of] / alone[of] - 1;
}

function print(cases: readonly Case[]): void {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const rows = cases.flatMap((own) =>
    (['whole', 'known'] as const).map((what) => {
      const sides = own[what];
      const { services, alone } = sides;
      return [
        `${own.ranks}, ${what === 'whole' ? 'teacher computes' : 'teacher knows'}`,
        ...[services.ms.toFixed(0), alone.ms.toFixed(0)],
        percent(overheadOf(sides, 'ms')),
        ...[services.cpuMs.toFixed(0), alone.cpuMs.toFixed(0)],
        percent(overheadOf(sides, 'cpuMs')),
      ];
    }),
  );
  const header = [
    ...['ranks', 'workers: ms a step', 'one loop', 'overhead'],
    ...['workers: CPU ms', 'one loop', 'overhead'],
  ];
  console.log(table(header, rows));
}
