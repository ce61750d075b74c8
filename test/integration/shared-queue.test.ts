import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import type { Delta__Output } from '#proto/rrd/v1/Delta.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { QueueNotFoundError } from '#runtime/errors.js';
import { connect } from '#runtime/rpc/client.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { lossesOf, runToEnd, startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { longExperiment, makeWorld, type World } from '../world.js';

/** Long enough for two runs that begin a second apart to go on side by side. */
const epochs = 30;
const steps = 6 * epochs;
const queue = 'shared/pool';

/** All rows of both: so neither run can leave the other too far behind. */
const bank = { queue: 'pool', capacity: 2 * 8 * steps };

/** One of them on two workers. */
const runs: Readonly<Record<string, Experiment>> = {
  left: { ...long(4), workers: 2 },
  right: long(1),
};

function long(prefetch: number): Experiment {
  const experiment = longExperiment('before', prefetch, 2, bank);
  return { ...experiment, training: { ...experiment.training, epochs } };
}

/** Every commit of the queue, until it is freed. */
async function record(address: string): Promise<Delta__Output[]> {
  const bank = connect('rrd.v1.MemoryBankService', address);
  const deltas: Delta__Output[] = [];
  const options = { idleMs: 60_000 };
  try {
    for (;;) {
      try {
        const stream = bank.subscribe({ queue, fromVersion: 0 }, options);
        for await (const { delta } of stream) if (delta) deltas.push(delta);
      } catch (error) {
        if (!(error instanceof QueueNotFoundError)) throw error;
        if (deltas.length > 0) return deltas;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    bank.close();
  }
}

/** By step of `runId`: what the other run committed before it. */
function foreignTo(runId: string, deltas: readonly Delta__Output[]) {
  const bySteps: Float32Array[][] = [[]];
  for (const delta of deltas) {
    const expected = { field: 'rows', dataType: 'float32' } as const;
    const { data } = fromWire(delta.rows, { ...expected, shape: [null, null] });
    if (delta.runId === runId) bySteps.push([]);
    else bySteps.at(-1)!.push(data);
  }
  return (step: number) => bySteps[step] ?? [];
}

describe('two runs that share a queue', () => {
  let world: World;
  let cluster: LocalCluster;
  let deltas: Delta__Output[];

  beforeAll(async () => {
    world = await makeWorld();
    // A seat is taken at its run's next sign of life: soon.
    const settings = { student: { heartbeatMs: 50 } };
    cluster = await startCluster(world, { students: 3, settings });
    const { orchestratorAddress, memoryBankAddress } = cluster;
    const recorded = record(memoryBankAddress);
    await Promise.all(
      Object.entries(runs).map(([runId, experiment]) =>
        runToEnd(orchestratorAddress, experiment, runId),
      ),
    );
    deltas = await recorded;
  }, 120_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it('put each of their steps into it once, in order, and free it', () => {
    const all = deltas.map(({ version }) => version);
    expect(all).toEqual(Array.from({ length: 2 * steps }, (_, i) => i + 1));
    for (const runId of Object.keys(runs)) {
      const own = deltas.filter((delta) => delta.runId === runId);
      const inOrder = Array.from({ length: steps }, (_, step) => step);
      expect(own.map(({ step }) => step)).toEqual(inOrder);
    }
  });

  it.each(Object.keys(runs))(
    'have the losses of one process with the same rows: %s',
    async (runId) => {
      const experiment = runs[runId]!;
      const dataset = await openDatasets(world.datasets).get('tiny');
      const engine = await createEngine(testEngine);
      const foreign = foreignTo(runId, deltas);
      const { losses } = await trainInOneProcess({
        ...{ experiment, engine, dataset, steps, foreign },
        teacher: world.teacher,
      });
      const some = Array.from({ length: steps }, (_, i) => foreign(i).length);
      expect(some.filter((count) => count > 0).length).toBeGreaterThan(1);
      expect(await lossesOf(world.runsDir, runId)).toEqual(losses);
    },
    60_000,
  );
});
