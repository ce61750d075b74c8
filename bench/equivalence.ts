import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment } from '#distill/experiment.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { createEngine } from '#runtime/compute/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import { table } from '../cli/text.js';
import { lossesOf, maxRelativeDifference, runToEnd } from '../test/cluster.js';
import { testEngine } from '../test/engine.js';
import { startNatsServer } from '../test/nats.js';
import {
  type OneProcessResult,
  trainInOneProcess,
} from '../test/one-process.js';
import { ProcessCluster, type ServiceProcess } from '../test/processes.js';
import { longExperiment, makeWorld, type World } from '../test/world.js';

const epochs = 34;
const steps = 6 * epochs;

interface Case {
  readonly ranks: number;
  /** That share the ranks. */
  readonly workers: number;
  /** One of them is killed in the midst of the run, and another one joins. */
  readonly killed: boolean;
  readonly enqueue: 'before' | 'after';
  readonly prefetch: number;
  readonly steps: number;
  /** Of a loss or a parameter; 0 where all are the same bits. */
  readonly maxRelativeDifference: number;
}

/**
 * `npm run bench -- equivalence`: runs over processes on a nats-server beside
 * one loop without services, for 1, 2 and 4 ranks on one worker and on as many
 * workers, both enqueue orders and two prefetch depths, and with a worker
 * killed: every loss and every tensor of the final state.
 */
export async function benchEquivalence(): Promise<object> {
  await using world = await makeWorld();
  const engine = await createEngine(testEngine);
  const nats = await startNatsServer();
  const cases: Case[] = [];
  try {
    await using cluster = await ProcessCluster.start(world, nats);
    while (cluster.all('student').length < 4) await cluster.spawn('student');
    for (const ranks of [1, 2, 4]) {
      for (const enqueue of ['before', 'after'] as const) {
        const experiment = longer(longExperiment(enqueue, 1, ranks));
        const reference = await alone(world, engine, experiment);
        for (const prefetch of [1, 4]) {
          for (const workers of ranks === 1 ? [1] : [1, ranks]) {
            const served = { ...experiment, prefetch, workers };
            const run = { world, cluster, reference, killed: false };
            cases.push(await compare(served, { ...run, enqueue }));
          }
        }
        const shared = { ...experiment, workers: ranks };
        const run = { world, cluster, reference, killed: true };
        if (ranks > 1) cases.push(await compare(shared, { ...run, enqueue }));
      }
    }
  } finally {
    await nats.close();
    await engine.dispose();
  }
  const rows = cases.map((own) => Object.values(own).map(String));
  console.log(table(Object.keys(cases[0]!), rows));
  const all = cases.map((own) => own.maxRelativeDifference);
  return { maxRelativeDifference: Math.max(...all), cases };
}

interface ComparedRun {
  readonly world: World;
  readonly cluster: ProcessCluster;
  readonly reference: OneProcessResult;
  readonly enqueue: 'before' | 'after';
  readonly killed: boolean;
}

async function compare(
  experiment: Experiment,
  { world, cluster, reference, enqueue, killed }: ComparedRun,
): Promise<Case> {
  const { ranks, workers, prefetch } = experiment;
  const runId = [ranks, workers, enqueue, prefetch, killed].join('-');
  const running = runToEnd(cluster.orchestratorAddress, experiment, runId);
  if (killed) await killMember(cluster, runId, workers);
  const { result } = await running;
  const losses = await lossesOf(world.runsDir, runId);
  const saved = await readCheckpoint(result?.checkpoint ?? '');
  const difference = Math.max(
    maxRelativeDifference(losses, reference.losses),
    differenceOf({ ...saved.tensors, ...saved.training }, reference),
  );
  return {
    ...{ ranks, workers, killed, enqueue, prefetch, steps },
    maxRelativeDifference: difference,
  };
}

/** Kills a worker that helps with a run, and starts another one. */
async function killMember(
  cluster: ProcessCluster,
  runId: string,
  workers: number,
): Promise<void> {
  const says = (line: string, message: string) =>
    line.includes(`"${message}"`) && line.includes(`"${runId}"`);
  const told = (message: string) => (student: ServiceProcess) =>
    student.log.some((line) => says(line, message));
  const dealt = () =>
    cluster
      .all('student')
      .flatMap(({ log }) => log.filter((line) => says(line, 'ranks dealt')))
      .map(
        (line) => (JSON.parse(line) as { workers: string[] }).workers.length,
      );
  while (!dealt().includes(workers)) await sleep(10);
  const member = cluster.all('student').find(told('joining a run'))!;
  await sleep(500);
  await member.kill();
  await cluster.spawn('student');
}

function longer(experiment: Experiment): Experiment {
  return { ...experiment, training: { ...experiment.training, epochs } };
}

async function alone(world: World, engine: Engine, experiment: Experiment) {
  const dataset = await openDatasets(world.datasets).get('tiny');
  const { teacher } = world;
  return trainInOneProcess({ experiment, engine, dataset, teacher, steps });
}

/** Infinite where a tensor is missing or of another length. */
function differenceOf(
  actual: NamedHostTensors,
  { state }: OneProcessResult,
): number {
  const each = Object.entries(state).map(([name, { data }]) => {
    const own = actual[name]?.data;
    if (own?.length !== data.length) return Infinity;
    const floats = Array.from(data, (value, i) => relative(own[i]!, value));
    return floats.reduce((worst, value) => Math.max(worst, value), 0);
  });
  return Math.max(...each);
}

function relative(actual: number, expected: number): number {
  if (actual === expected) return 0;
  return Math.abs(actual - expected) / Math.abs(expected);
}
