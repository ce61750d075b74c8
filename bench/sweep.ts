import { availableParallelism, loadavg } from 'node:os';
import { chooseEngine } from '#runtime/compute/index.js';
import type { EngineName } from '#runtime/compute/engine.js';
import { table } from '../cli/text.js';
import { measurementsOf, runToEnd } from '../test/cluster.js';
import { startNatsServer } from '../test/nats.js';
import { observe } from '../test/observed.js';
import { cpuMsByRole } from './scale/timed-run.js';
import { makeScaleWorld, scaleExperiment, startScale } from './scale/world.js';
import type { ScalePlace } from './scale/world.js';
import { threads } from './side-by-side.js';
import { round } from './statistics.js';

/** `RRD_STUDENTS=1,2 npm run bench -- sweep` for fewer. */
const counts = (process.env['RRD_STUDENTS'] ?? '1,2,4').split(',').map(Number);

/** The student's temperatures in a sweep. */
const temperatures = [0.02, 0.05, 0.1, 0.2, 0.4] as const;

interface Side {
  /** Images that the teachers computed. */
  readonly forwards: number;
  /** Of all steps but the first, of the slowest student. */
  readonly seconds: number;
  /** Processor time of the teacher, from its start. */
  readonly teacherCpuSeconds: number;
  /** And of all services. */
  readonly cpuSeconds: number;
}

interface Case {
  readonly students: number;
  /** One teacher for all, with its cache. */
  readonly shared: Side;
  /** A teacher that keeps nothing does the work of one for each. */
  readonly own: Side;
}

/**
 * `npm run bench -- sweep`: S students of other weights and temperatures on
 * the same views, at the same time, with one teacher and its cache, beside the
 * same with a teacher that computes for each of them anew.
 */
export async function benchSweep(): Promise<object> {
  const engine = await chooseEngine('auto');
  await using world = await makeScaleWorld();
  const nats = await startNatsServer();
  const cases: Case[] = [];
  try {
    for (const students of counts) {
      const place = { world, nats, engine };
      cases.push({
        students,
        shared: await sideOf(place, students, {}),
        own: await sideOf(place, students, { CACHE__MEMORY_BYTES: 0 }),
      });
    }
  } finally {
    await nats.close();
  }
  print(cases);
  const byStudents = (value: (own: Case) => number) =>
    Object.fromEntries(cases.map((own) => [own.students, round(value(own))]));
  return {
    forwardsSaved: byStudents(
      ({ shared, own }) => 1 - shared.forwards / own.forwards,
    ),
    timeRatio: byStudents(({ shared, own }) => shared.seconds / own.seconds),
    cpuRatio: byStudents(
      ({ shared, own }) => shared.cpuSeconds / own.cpuSeconds,
    ),
    ...{ engine, threads, cores: availableParallelism() },
    ...{ load: loadavg()[0], cases },
  };
}

/** @param settings of the teacher */
async function sideOf(
  place: ScalePlace,
  students: number,
  settings: Readonly<Record<string, number>>,
): Promise<Side> {
  const { world, engine } = place;
  const observed = await observe(3 + students, () => ({
    TF_NUM_INTRAOP_THREADS: threads,
  }));
  await using cluster = await startScale(
    ...([place, students, observed.environments, settings] as const),
  );
  const kind = Object.keys(settings).length > 0 ? 'own' : 'shared';
  const runs = Array.from({ length: students }, async (_, i) => {
    const runId = `sweep-${kind}-${students}-${i}`;
    const experiment = experimentOf(engine, i);
    await runToEnd(cluster.orchestratorAddress, experiment, runId);
    const lines = await measurementsOf(world.runsDir, runId);
    // The first step compiles.
    const steps = lines.filter(({ type }) => type === 'step').slice(1);
    const times = steps.map(
      ({ waitMs, computeMs }) => (waitMs as number) + (computeMs as number),
    );
    return times.reduce((sum, ms) => sum + ms, 0) / 1000;
  });
  const seconds = Math.max(...(await Promise.all(runs)));
  const forwards = await observed.total('teacher', 'rrd_teacher_images_total');
  const cpuMs = await cpuMsByRole(cluster);
  const all = Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);
  const teacherCpuSeconds = cpuMs.teacher / 1000;
  return { seconds, forwards, teacherCpuSeconds, cpuSeconds: all / 1000 };
}

/** Student `i` of a sweep. */
function experimentOf(engine: EngineName, i: number) {
  const studentTemperature = temperatures[i % temperatures.length]!;
  return scaleExperiment(engine, { seed: i, dataSeed: 1, studentTemperature });
}

function print(cases: readonly Case[]): void {
  const rows = cases.map(({ students, shared, own }) => [
    String(students),
    ...[shared.forwards, own.forwards].map(String),
    ...[shared.seconds, own.seconds].map((value) => value.toFixed(1)),
    (shared.seconds / own.seconds).toFixed(2),
    ...[shared.cpuSeconds, own.cpuSeconds].map((value) => value.toFixed(1)),
    (shared.cpuSeconds / own.cpuSeconds).toFixed(2),
    ...[shared.teacherCpuSeconds, own.teacherCpuSeconds].map((value) =>
      value.toFixed(1),
    ),
  ]);
  const header = [
    ...['students', 'forwards: shared', 'own', 's: shared', 'own', 'ratio'],
    ...['CPU s: shared', 'own', 'ratio', 'teacher CPU s: shared', 'own'],
  ];
  console.log(table(header, rows));
}
