import { cp, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { lossesOf, offerToEnd, runToEnd, startCluster } from '../cluster.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

type Order = 'before' | 'after';

/** 4 epochs of 6 steps, a checkpoint after each. */
function experimentOf(enqueue: Order) {
  // With half of the rows' bits in one of them.
  const bank = enqueue === 'after' ? { precision: 'float16' } : {};
  const rrd = { studentTemperature: 0.04, teacherTemperature: 0.1, enqueue };
  const loss = { crossEntropy: 1, rrd };
  return tinyExperiment({ loss, bank, training: { epochs: 4 } });
}

const experiment = experimentOf('before');

describe('resuming from a checkpoint', () => {
  let world: World;
  let cluster: LocalCluster;

  const checkpointsOf = (runId: string) =>
    join(world.runsDir, runId, 'checkpoints');

  /**
   * Leaves checkpoints of run `from` as a worker that died would find them.
   * Under another name, since the orchestrator knows that the run has ended.
   */
  async function leave(from: string, runId: string, step?: string) {
    const [source, target] = [checkpointsOf(from), checkpointsOf(runId)];
    const part = step ?? '.';
    await cp(join(source, part), join(target, part), { recursive: true });
    return target;
  }

  const undisturbed = async (enqueue: Order) => {
    const address = cluster.orchestratorAddress;
    await runToEnd(address, experimentOf(enqueue), enqueue);
  };

  beforeAll(async () => {
    world = await makeWorld();
    const settings = { student: { keepCheckpoints: 100 } };
    cluster = await startCluster(world, { settings });
    await undisturbed('before');
    await undisturbed('after');
  }, 120_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it.each(['before', 'after'] as const)(
    'goes on bit by bit as if nothing had happened, enqueueing %s',
    async (whole) => {
      const runId = `resumed-${whole}`;
      await leave(whole, runId, 'step-00000012');
      const own = experimentOf(whole);
      const last = await offerToEnd(cluster.bus, {
        ...{ runId, attempt: 2, experiment: own },
      });
      expect(last).toMatchObject({ type: 'succeeded', attempt: 2 });

      const losses = await lossesOf(world.runsDir, whole);
      expect(losses.length).toBe(24);
      const resumed = await lossesOf(world.runsDir, runId);
      expect(resumed).toEqual(losses.slice(12));
      for (const step of ['step-00000018', 'step-00000024']) {
        const expected = await readCheckpoint(join(checkpointsOf(whole), step));
        const actual = await readCheckpoint(join(checkpointsOf(runId), step));
        expect(actual.tensors).toEqual(expected.tensors);
        expect(actual.training).toEqual(expected.training);
        expect(Object.keys(actual.training ?? {})).toContain('queue.rows');
      }
    },
    60_000,
  );

  it('a damaged checkpoint ends the run as CORRUPT_FILE', async () => {
    const folder = await leave('before', 'damaged');
    const newest = (await readdir(folder)).sort().at(-1)!;
    await truncate(join(folder, newest, 'training.safetensors'), 1_000);
    const work = { runId: 'damaged', attempt: 2, experiment };
    expect(await offerToEnd(cluster.bus, work)).toMatchObject({
      type: 'failed',
      failure: { reason: 'CORRUPT_FILE' },
    });
  }, 60_000);

  it('the checkpoint of another experiment is refused', async () => {
    await leave('before', 'other');
    const other = tinyExperiment({ training: { epochs: 5 } });
    const work = { runId: 'other', attempt: 2, experiment: other };
    expect(await offerToEnd(cluster.bus, work)).toMatchObject({
      type: 'failed',
      failure: { reason: 'RUN_ALREADY_EXISTS' },
    });
  }, 60_000);

  it('a run that had taken its last step just ends', async () => {
    await leave('before', 'finished');
    const work = { runId: 'finished', attempt: 2, experiment };
    expect(await offerToEnd(cluster.bus, work)).toMatchObject({
      type: 'succeeded',
      result: { steps: 24, bankVersions: 24 },
    });
  }, 60_000);
});
