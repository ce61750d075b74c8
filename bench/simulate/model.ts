import { Simulation } from './kernel.js';
import { type Load, type Parameters, type Part, parts } from './parameters.js';
import { Places } from './places.js';
import { type ChiefTimes, startRun, stepsOf } from './run.js';

export interface Outcome {
  /** From one step's end to the next one's. */
  readonly stepMs: number;
  /** Of all students together. */
  readonly stepsPerSecond: number;
  /** What share of the time each part was busy; of many, on average. */
  readonly busy: Readonly<Record<Part, number>>;
  /** The busiest part: the first that has no room for more. */
  readonly bottleneck: Part;
}

type Reading = Readonly<Record<Part, number>> & { readonly atMs: number };

/** Prefetching makes waves of as many steps: they count whole. */
const countedWaves = 3;

/**
 * A load as it goes once every queue is full.
 * @throws RangeError for a load without students or teachers
 */
export function simulate(parameters: Parameters, load: Load): Outcome {
  const { students, ranksPerRun, teachers } = load;
  if (students < 1 || teachers < 1 || ranksPerRun < 1)
    throw new RangeError('a load has students, ranks and teachers');
  const simulation = new Simulation();
  const places = new Places(simulation, parameters, load);
  const { prefetch } = parameters;
  const from = 2 * prefetch;
  const to = from + countedWaves * prefetch;
  // What follows was asked for ahead: nobody asks for more by then.
  const count = to + prefetch + 1;
  const readings: Reading[] = [];
  const onEnd = (step: number, chief: ChiefTimes) => {
    if (step === from || step === to) readings.push(read(places, chief));
  };
  for (let first = 0; first < students; first += ranksPerRun) {
    const workers = places.students.slice(first, first + ranksPerRun);
    startRun({
      ...{ simulation, parameters, places, workers },
      ...{ number: first / ranksPerRun, steps: stepsOf(count, workers) },
      onEnd: first === 0 ? onEnd : () => {},
    });
  }
  simulation.run();
  const [before, after] = [readings[0]!, readings[1]!];
  const ms = after.atMs - before.atMs;
  const shares = parts.map((part) => [part, (after[part] - before[part]) / ms]);
  const busy = Object.fromEntries(shares) as Record<Part, number>;
  const stepMs = ms / (to - from);
  return {
    ...{ stepMs, stepsPerSecond: (1000 * students) / stepMs, busy },
    bottleneck: parts.reduce((most, part) =>
      busy[part] > busy[most] ? part : most,
    ),
  };
}

function read(
  { students, teachers, bank }: Places,
  { atMs, allReduceMs }: ChiefTimes,
): Reading {
  const taughtMs = teachers.reduce((sum, own) => sum + own.compute.busyMs, 0);
  return {
    atMs,
    student: students[0]!.compute.busyMs,
    teacher: taughtMs / teachers.length,
    bank: bank.speak.busyMs,
    'bank uplink': bank.up.busyMs,
    'all-reduce': allReduceMs,
  };
}
