import type { Experiment } from '#distill/experiment.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { createEngine } from '#runtime/compute/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import { table } from '../cli/text.js';
import { lossesOf, maxRelativeDifference, runToEnd } from '../test/cluster.js';
import { startNatsServer } from '../test/nats.js';
import {
  type OneProcessResult,
  trainInOneProcess,
} from '../test/one-process.js';
import { ProcessCluster } from '../test/processes.js';
import { longExperiment, makeWorld, type World } from '../test/world.js';

const epochs = 34;
const steps = 6 * epochs;

interface Case {
  readonly ranks: number;
  readonly enqueue: 'before' | 'after';
  readonly prefetch: number;
  readonly steps: number;
  /** Of a loss or a parameter; 0 where all are the same bits. */
  readonly maxRelativeDifference: number;
}

/**
 * `npm run bench -- equivalence`: runs over four processes on a nats-server
 * beside one loop without services, for 1, 2 and 4 ranks (all of them on the
 * one worker of the run), both enqueue orders and two prefetch depths: every
 * loss and every tensor of the final state.
 */
export async function benchEquivalence(): Promise<object> {
  await using world = await makeWorld();
  const engine = await createEngine('wasm');
  const nats = await startNatsServer();
  const cases: Case[] = [];
  try {
    await using cluster = await ProcessCluster.start(world, nats);
    for (const ranks of [1, 2, 4]) {
      for (const enqueue of ['before', 'after'] as const) {
        const experiment = longer(longExperiment(enqueue, 1, ranks));
        const reference = await alone(world, engine, experiment);
        for (const prefetch of [1, 4]) {
          const runId = `${ranks}-${enqueue}-${prefetch}`;
          const address = cluster.orchestratorAddress;
          const served = { ...experiment, prefetch };
          const { result } = await runToEnd(address, served, runId);
          const losses = await lossesOf(world.runsDir, runId);
          const saved = await readCheckpoint(result?.checkpoint ?? '');
          const difference = Math.max(
            maxRelativeDifference(losses, reference.losses),
            differenceOf({ ...saved.tensors, ...saved.training }, reference),
          );
          cases.push({
            ...{ ranks, enqueue, prefetch, steps },
            maxRelativeDifference: difference,
          });
        }
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
