import { expect, it } from 'vitest';
import { openOrchestrator } from '../../cli/orchestrator-client.js';
import { runToEnd, startCluster } from '../cluster.js';
import { makeWorld, tinyExperiment } from '../world.js';

it('forgets runs that ended long ago, and no others', async () => {
  await using world = await makeWorld();
  await using cluster = await startCluster(world, {
    settings: { orchestrator: { finishedTtlMs: 500 } },
  });
  const { orchestratorAddress } = cluster;
  const training = { epochs: 1 };
  await runToEnd(orchestratorAddress, tinyExperiment({ training }), 'ended');
  const orchestrator = openOrchestrator(orchestratorAddress);
  const long = tinyExperiment({ training: { epochs: 1_000 } });
  await orchestrator.submit(long, 'going-on');
  const known = async () =>
    (await orchestrator.list()).map(({ runId }) => runId);
  await expect.poll(known, { timeout: 10_000 }).toEqual(['going-on']);
  await expect(orchestrator.get('ended')).rejects.toMatchObject({
    reason: 'RUN_NOT_FOUND',
  });
  await orchestrator.cancel('going-on');
  orchestrator.close();
}, 60_000);
