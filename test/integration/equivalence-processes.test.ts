import { describe, expect, it } from 'vitest';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { lossesOf, maxRelativeDifference, runToEnd } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import { ProcessCluster } from '../processes.js';
import { longExperiment, makeWorld } from '../world.js';

const missing = natsMissing();
const steps = 54;

describe.skipIf(missing)(
  `four processes and NATS equal one process${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    it('at every step, at any prefetch, in both enqueue orders', async () => {
      await using world = await makeWorld();
      const nats = await startNatsServer();
      try {
        await using cluster = await ProcessCluster.start(world, nats);
        const engine = await createEngine(testEngine);
        const dataset = await openDatasets(world.datasets).get('tiny');
        for (const enqueue of ['before', 'after'] as const) {
          const reference = await trainInOneProcess({
            experiment: longExperiment(enqueue, 1),
            ...{ engine, dataset, steps, teacher: world.teacher },
          });
          for (const prefetch of [1, 4]) {
            const runId = `${enqueue}-${prefetch}`;
            const experiment = longExperiment(enqueue, prefetch);
            await runToEnd(cluster.orchestratorAddress, experiment, runId);
            const losses = await lossesOf(world.runsDir, runId);
            const difference = maxRelativeDifference(losses, reference.losses);
            console.log(
              `four processes, ${enqueue}, prefetch ${prefetch}: ${losses.length} steps, max relative difference ${difference}`,
            );
            expect(losses.length).toBe(steps);
            expect(difference).toBeLessThanOrEqual(1e-6);
          }
        }
      } finally {
        await nats.close();
      }
    }, 240_000);
  },
);
