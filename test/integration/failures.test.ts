import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import {
  NoWorkerError,
  RunCancelledError,
  ServiceUnavailableError,
} from '#runtime/errors.js';
import { followRun } from '../../cli/follow.js';
import {
  openOrchestrator,
  type OrchestratorClient,
} from '../../cli/orchestrator-client.js';
import { lossesOf, runToEnd } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, type NatsServer, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import { ProcessCluster, type Role } from '../processes.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const missing = natsMissing();

/** Nobody sees its end: 200 epochs of 6 steps. */
const endless = tinyExperiment({ training: { epochs: 200 } });

const settings = {
  student: {
    ...{ HEARTBEAT_MS: 200, LEASE_MS: 3_000 },
    ...{ DEADLINES__EXTRACT_MS: 3_000, DEADLINES__BANK_MS: 3_000 },
    ...{ DEADLINES__COMMIT_MS: 3_000, DEADLINES__DESCRIBE_MS: 3_000 },
  },
  orchestrator: { LEASE_MS: 3_000, CLAIM_TIMEOUT_MS: 5_000 },
};

describe.skipIf(missing)(
  `killing a service in the middle of a run${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    let world: World;
    let nats: NatsServer;
    let cluster: ProcessCluster;

    beforeAll(async () => {
      world = await makeWorld();
      nats = await startNatsServer();
      cluster = await ProcessCluster.start(world, nats, settings);
    }, 60_000);

    afterAll(async () => {
      await cluster[Symbol.asyncDispose]();
      await nats.close();
      await world[Symbol.asyncDispose]();
    });

    /** Waits for the first checkpoint: the run is well under way. */
    async function underWay(runId: string): Promise<void> {
      const folder = join(world.runsDir, runId, 'checkpoints');
      const found = () => readdir(folder).then((names) => names.length > 0);
      while (!(await found().catch(() => false))) await sleep(20);
    }

    async function ask<T>(
      question: (orchestrator: OrchestratorClient) => Promise<T>,
    ): Promise<T> {
      const orchestrator = openOrchestrator(cluster.orchestratorAddress);
      try {
        return await question(orchestrator);
      } finally {
        orchestrator.close();
      }
    }

    /** Kills `role` under a run and returns the error that its watcher gets. */
    async function killDuring(role: Role, runId: string): Promise<unknown> {
      const address = cluster.orchestratorAddress;
      const end = runToEnd(address, endless, runId).catch(
        (error: unknown) => error,
      );
      await underWay(runId);
      await cluster.kill(role);
      return end;
    }

    /** Cancels a run that has nothing more to show. */
    async function cancel(runId: string): Promise<void> {
      const end = ask(async (orchestrator) => {
        await orchestrator.cancel(runId);
        return followRun(orchestrator, runId, () => {});
      });
      await expect(end).rejects.toBeInstanceOf(RunCancelledError);
    }

    it.each([
      ['teacher', 'rrd.v1.TeacherService'],
      ['memory-bank', 'rrd.v1.MemoryBankService'],
    ] as const)(
      'the %s: the run fails as SERVICE_UNAVAILABLE',
      async (role, service) => {
        const end = await killDuring(role, `no-${role}`);
        expect(end).toBeInstanceOf(ServiceUnavailableError);
        expect(end).toMatchObject({ metadata: { service } });
        await cluster.spawn(role);
      },
      60_000,
    );

    it('the only student: the run fails as NO_WORKER', async () => {
      const end = await killDuring('student', 'no-student');
      expect(end).toBeInstanceOf(NoWorkerError);
      await cluster.spawn('student');
    }, 60_000);

    it('one of two students: the other goes on, bit by bit the same', async () => {
      await cluster.spawn('student');
      const experiment = tinyExperiment({ training: { epochs: 20 } });
      const address = cluster.orchestratorAddress;
      const end = runToEnd(address, experiment, 'moved');
      await underWay('moved');
      const holder = cluster
        .all('student')
        .find(({ log }) => log.some((line) => /"moved".*claimed/.test(line)));
      await holder!.kill();
      const { phase, result } = await end;
      expect(phase).toBe('RUN_PHASE_SUCCEEDED');
      expect(result?.bankVersions).toBe(120);
      const reference = await trainInOneProcess({
        experiment,
        engine: await createEngine(testEngine),
        dataset: await openDatasets(world.datasets).get('tiny'),
        teacher: world.teacher,
        steps: 120,
      });
      const losses = await lossesOf(world.runsDir, 'moved');
      expect(losses).toEqual(reference.losses);
    }, 120_000);

    it('the orchestrator: watchers are told at once, and the run goes on', async () => {
      const end = await killDuring('orchestrator', 'no-orchestrator');
      expect(end).toBeInstanceOf(ServiceUnavailableError);
      await cluster.spawn('orchestrator');
      const run = await ask((client) => client.get('no-orchestrator'));
      expect(run.phase).toBe('RUN_PHASE_RUNNING');
      await cancel('no-orchestrator');
    }, 60_000);

    it('the bus: watchers and callers are told, the run comes back', async () => {
      const address = cluster.orchestratorAddress;
      const watching = runToEnd(address, endless, 'no-bus');
      const told = expect(watching).rejects.toBeInstanceOf(
        ServiceUnavailableError,
      );
      await underWay('no-bus');
      await nats.kill();
      await told;
      await expect(runToEnd(address, endless, 'never')).rejects.toBeInstanceOf(
        ServiceUnavailableError,
      );
      await studentSays(/"no-bus".*LEASE_LOST.*run stopped/);
      await nats.restart();
      await studentSays(/"no-bus","attempt":2.*run claimed/);
      await cancel('no-bus');
    }, 90_000);

    async function studentSays(line: RegExp): Promise<void> {
      const said = () =>
        cluster.all('student').some(({ log }) => log.some((l) => line.test(l)));
      while (!said()) await sleep(50);
    }
  },
);
