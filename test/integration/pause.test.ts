import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import {
  openOrchestrator,
  type OrchestratorClient,
  phaseName,
  type Run,
} from '../../cli/orchestrator-client.js';
import { lossesOf } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, type NatsServer, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import { ProcessCluster, type ServiceProcess } from '../processes.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const missing = natsMissing();
const experiment = tinyExperiment({ training: { epochs: 15 } });
const steps = 90;

describe.skipIf(missing)(
  `a run that is let go between two steps${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    let world: World;
    let nats: NatsServer;
    let cluster: ProcessCluster;
    let orchestrator: OrchestratorClient;
    let undisturbed: readonly number[];

    beforeAll(async () => {
      world = await makeWorld();
      nats = await startNatsServer();
      // Longer than a test may take: a run that moves was not waited out.
      const orchestrating = { LEASE_MS: 600_000 };
      const settings = { orchestrator: orchestrating };
      cluster = await ProcessCluster.start(world, nats, settings);
      orchestrator = openOrchestrator(cluster.orchestratorAddress);
      const reference = await trainInOneProcess({
        ...{ experiment, steps, teacher: world.teacher },
        engine: await createEngine(testEngine),
        dataset: await openDatasets(world.datasets).get('tiny'),
      });
      undisturbed = reference.losses;
    }, 60_000);

    afterAll(async () => {
      orchestrator.close();
      await cluster[Symbol.asyncDispose]();
      await nats.close();
      await world[Symbol.asyncDispose]();
    });

    async function until(
      runId: string,
      reached: (run: Run) => boolean,
    ): Promise<Run> {
      for await (const run of orchestrator.watch(runId)) {
        if (reached(run)) return run;
      }
      throw new Error(`${runId} ended first`);
    }
    const inPhase = (phase: string) => (run: Run) => phaseName(run) === phase;
    const atStep = (step: number) => (run: Run) =>
      (run.progress?.step ?? 0) >= step;

    it('by pause and resume: the curve is that of a run left alone', async () => {
      await orchestrator.submit(experiment, 'paused');
      await until('paused', atStep(9));
      await orchestrator.pause('paused');
      const paused = await until('paused', inPhase('paused'));
      expect(paused).toMatchObject({ worker: '', retries: 0 });
      const half = await lossesOf(world.runsDir, 'paused');
      expect(half.length).toBeLessThan(steps);
      expect(half).toEqual(undisturbed.slice(0, half.length));
      await orchestrator.resume('paused');
      const run = await until('paused', inPhase('succeeded'));
      expect(run).toMatchObject({ attempt: 2, retries: 0 });
      expect(await lossesOf(world.runsDir, 'paused')).toEqual(undisturbed);
    }, 60_000);

    it('by SIGTERM: the other worker has it at once, no step twice', async () => {
      await cluster.spawn('student');
      await orchestrator.submit(experiment, 'moved');
      await until('moved', atStep(9));
      const [holder, other] = holderOf('moved');
      expect(await holder.stop()).toBe(0);
      await until('moved', (run) => run.attempt === 2);
      const left = holder.log.filter((line) =>
        /"moved".*RUN_RELEASED/.test(line),
      );
      expect(left).toHaveLength(1);
      const run = await until('moved', inPhase('succeeded'));
      expect(run).toMatchObject({ attempt: 2, retries: 0 });
      expect(other.log.join('\n')).toMatch(/run goes on from a checkpoint/);
      expect(await lossesOf(world.runsDir, 'moved')).toEqual(undisturbed);
    }, 60_000);

    function holderOf(runId: string): [ServiceProcess, ServiceProcess] {
      const isHolder = ({ log }: ServiceProcess) =>
        log.some((line) => line.includes(runId) && /run claimed/.test(line));
      const [first, second] = cluster.all('student');
      if (!first || !second) throw new Error('two students are expected');
      return isHolder(first) ? [first, second] : [second, first];
    }
  },
);
