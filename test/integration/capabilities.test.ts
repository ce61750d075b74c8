import { describe, expect, it } from 'vitest';
import { followRun } from '../../cli/follow.js';
import {
  openOrchestrator,
  phaseName,
  type Run,
  waitingText,
} from '../../cli/orchestrator-client.js';
import { testEngine } from '../engine.js';
import { natsMissing, startNatsServer } from '../nats.js';
import { ProcessCluster, spawnService } from '../processes.js';
import { makeWorld, tinyExperiment } from '../world.js';

const missing = natsMissing();

describe.skipIf(missing)(
  `workers that lack a data set${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    it('pass a run on: it says what it waits for, and goes on where that is', async () => {
      await using world = await makeWorld();
      const nats = await startNatsServer();
      try {
        await using cluster = await ProcessCluster.start(world, nats);
        await cluster.kill('student');
        const { runsDir } = world;
        const poor = { RUNS_DIR: runsDir, ENGINE: testEngine };
        await using unable = await spawnService('student', poor, nats.address);
        const orchestrator = openOrchestrator(cluster.orchestratorAddress);
        const training = { epochs: 1 };
        const experiment = tinyExperiment({ training });
        const submitted = await orchestrator.submit(experiment, 'first');
        expect(submitted).toMatchObject({ place: 1, failure: null });
        await orchestrator.submit(experiment, 'second', { priority: 1 });
        const waits = async () => waitingText(await orchestrator.get('second'));
        const message = 'no data set named tiny is configured here';
        await expect
          .poll(waits, { timeout: 60_000 })
          .toBe(`place 1: ${message}`);
        expect(unable.log.join('\n')).toMatch(/run passed on/);

        await cluster.spawn('student');
        const order: string[] = [];
        const ended = async (runId: string): Promise<Run> => {
          const run = await followRun(orchestrator, runId, () => {});
          order.push(runId);
          return run;
        };
        const runs = await Promise.all(['first', 'second'].map(ended));
        expect(runs.map(phaseName)).toEqual(['succeeded', 'succeeded']);
        expect(runs.map(({ retries }) => retries)).toEqual([0, 0]);
        expect(order).toEqual(['second', 'first']);
        orchestrator.close();
      } finally {
        await nats.close();
      }
    }, 240_000);

    it('pass a seat on: who has the data set takes it', async () => {
      await using world = await makeWorld();
      const nats = await startNatsServer();
      try {
        const student = { ENGINE: testEngine };
        await using cluster = await ProcessCluster.start(world, nats, {
          student,
        });
        const orchestrator = openOrchestrator(cluster.orchestratorAddress);
        // Steps enough to be still there when the seat has been passed on.
        const training = { epochs: 200, batchSize: 4, evaluateEvery: 200 };
        const shared = {
          ...tinyExperiment({ ranks: 2, training }),
          workers: 2,
        };
        const { runId } = await orchestrator.submit(shared, 'shared');
        const worker = async () => (await orchestrator.get(runId)).worker;
        await expect.poll(worker, { timeout: 60_000 }).not.toBe('');
        const { runsDir } = world;
        const poor = { RUNS_DIR: runsDir, ...student };
        await using unable = await spawnService('student', poor, nats.address);
        await expect
          .poll(() => unable.log.join('\n'), { timeout: 60_000 })
          .toMatch(/seat passed on/);
        const helper = await cluster.spawn('student');
        await expect
          .poll(() => helper.log.join('\n'), { timeout: 60_000 })
          .toMatch(/joining a run/);
        expect(unable.log.join('\n')).not.toMatch(/joining a run/);
        await orchestrator.cancel(runId);
        orchestrator.close();
      } finally {
        await nats.close();
      }
    }, 240_000);
  },
);
