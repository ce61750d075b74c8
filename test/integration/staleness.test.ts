import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { type LocalCluster } from '../../cli/local-cluster.js';
import {
  lossesOf,
  measurementsOf,
  offerToEnd,
  runToEnd,
  startCluster,
} from '../cluster.js';
import { startDelayingProxy } from '../delaying-proxy.js';
import type { TcpProxy } from '../tcp-proxy.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const steps = 54;
const staleness = 3;

/** A queue that may be behind, with a bank that is far away. */
describe('a run with a bank that is far away', () => {
  let world: World;
  let proxy: TcpProxy;
  let cluster: LocalCluster;

  beforeAll(async () => {
    world = await makeWorld();
    proxy = await startDelayingProxy(60);
    const student = { memoryBank: proxy.address };
    cluster = await startCluster(world, { settings: { student } });
    proxy.target = cluster.memoryBankAddress;
  }, 60_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  async function run(runId: string, bank: object, ranks = 1) {
    const experiment = longExperiment('before', 1, ranks, bank);
    const address = cluster.orchestratorAddress;
    const { result } = await runToEnd(address, experiment, runId);
    const { training } = await readCheckpoint(result!.checkpoint);
    const recorded = await measurementsOf(world.runsDir, runId);
    const lags = recorded
      .filter(({ type }) => type === 'step')
      .map(({ queueLag }) => queueLag as number);
    const { queueLags } = recorded.at(-1)!;
    const losses = await lossesOf(world.runsDir, runId);
    return { result, rows: training?.['queue.rows'], lags, queueLags, losses };
  }

  it('does not wait for more than it must, and says how far it was behind', async () => {
    const strict = await run('strict', {});
    expect(strict.queueLags).toEqual({ 0: steps });
    for (const ranks of [1, 2]) {
      const stale = await run(`stale-${ranks}`, { staleness }, ranks);
      expect(stale.lags.length).toBe(steps);
      expect(Math.max(...stale.lags)).toBeGreaterThan(0);
      expect(Math.max(...stale.lags)).toBeLessThanOrEqual(staleness);
      const counts: Record<number, number> = {};
      for (const lag of stale.lags) counts[lag] = (counts[lag] ?? 0) + 1;
      expect(stale.queueLags).toEqual(counts);
      expect(stale.losses).not.toEqual(strict.losses);
      // Nothing is lost: in the end the queue has the rows of all steps.
      expect(stale.rows).toEqual(strict.rows);
      expect(stale.result?.bankVersions).toBe(steps);
    }
  }, 120_000);

  it('goes on from a checkpoint, whose queue lacks nothing', async () => {
    const whole = await run('whole', { staleness });
    const [from, to] = ['whole', 'resumed'].map((runId) =>
      join(world.runsDir, runId, 'checkpoints', 'step-00000048'),
    );
    await cp(from!, to!, { recursive: true });
    const experiment = longExperiment('before', 1, 1, { staleness });
    const work = { runId: 'resumed', attempt: 2, experiment };
    const last = await offerToEnd(cluster.bus, work);
    expect(last).toMatchObject({ type: 'succeeded', attempt: 2 });
    if (last.type !== 'succeeded') return;
    const { training } = await readCheckpoint(last.result.checkpoint);
    expect(training?.['queue.rows']).toEqual(whole.rows);
    const losses = await lossesOf(world.runsDir, 'resumed');
    expect(losses.length).toBe(steps - 48);
  }, 60_000);
});
