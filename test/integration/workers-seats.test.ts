import { expect, it } from 'vitest';
import { runToEnd, startCluster } from '../cluster.js';
import { makeWorld, tinyExperiment } from '../world.js';

it('seats that nobody took cost the next run nothing', async () => {
  await using world = await makeWorld();
  await using cluster = await startCluster(world, {
    settings: {
      student: { maxRuns: 2, group: { joinMs: 100 } },
      orchestrator: { claimTimeoutMs: 5_000 },
    },
  });
  const address = cluster.orchestratorAddress;
  const shared = {
    ...tinyExperiment({ ranks: 4, training: { batchSize: 2 } }),
    workers: 4,
  };
  await runToEnd(address, shared, 'shared');
  const { result } = await runToEnd(address, tinyExperiment(), 'next');
  expect(result?.steps).toBe(12);
  await cluster.students[0]!.ended;
}, 120_000);
