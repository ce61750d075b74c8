import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from 'vitest';
import { openBus } from '#runtime/bus/index.js';
import { leaderBucket, runsBucket } from '#runtime/bus/subjects.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import {
  openOrchestrator,
  phaseName,
  type Run,
} from '../../cli/orchestrator-client.js';
import { followRun } from '../../cli/follow.js';
import { lossesOf } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, type NatsServer, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import {
  ProcessCluster,
  spawnService,
  type ServiceProcess,
} from '../processes.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const missing = natsMissing();
const leaseMs = 1_500;
const epochs = 15;
const steps = 6 * epochs;
/** A worker may be silent for longer than the change of leaders takes. */
const settings = { LEASE_MS: 9_000, LEADER__LEASE_MS: leaseMs };

const long = longExperiment('before', 2, 1);
const experiment = {
  ...long,
  training: { ...long.training, epochs, evaluateEvery: epochs },
};

const leads = ({ log }: ServiceProcess) =>
  log.filter((line) => line.includes('"leads: ')).length;
const until = (state: () => boolean) =>
  expect.poll(state, { timeout: 60_000, interval: 10 }).toBe(true);

describe.skipIf(missing)(
  `two orchestrators on a bus${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    let world: World;
    let undisturbed: readonly number[];
    let nats: NatsServer;
    let cluster: ProcessCluster;
    let first: ServiceProcess;
    let second: ServiceProcess;

    beforeAll(async () => {
      world = await makeWorld();
      const engine = await createEngine(testEngine);
      const dataset = await openDatasets(world.datasets).get('tiny');
      const { teacher } = world;
      const work = { experiment, engine, dataset, teacher, steps };
      undisturbed = (await trainInOneProcess(work)).losses;
    }, 120_000);

    afterAll(() => world[Symbol.asyncDispose]());

    beforeEach(async () => {
      nats = await startNatsServer();
      const all = { orchestrator: settings };
      cluster = await ProcessCluster.start(world, nats, all);
      first = cluster.all('orchestrator')[0]!;
      await until(() => leads(first) === 1);
      second = await spawnService('orchestrator', settings, nats.address);
    }, 120_000);

    afterEach(async () => {
      await second.kill();
      await cluster[Symbol.asyncDispose]();
      await nats.close();
    });

    /** What the bus has of the lease and of a run, as it is stored. */
    async function stored(runId: string) {
      const bus = await openBus({ kind: 'nats', servers: [nats.address] });
      const lease = await (await bus.records(leaderBucket)).list();
      const run = await (await bus.records(runsBucket)).get(runId);
      await bus.close();
      return { lease: lease[0]!.value, run: run!.value };
    }

    const underWay = (seen: Run[]) =>
      until(() => (seen.at(-1)?.progress?.step ?? 0) > 12);

    it.each([
      ['dies', () => first.kill()],
      ['leaves', () => first.stop()],
    ])(
      'one takes over when the other %s, and its watcher sees the end of the run',
      async (how, end) => {
        const runId = `leader-${how}`;
        const both = `${first.address},${second.address}`;
        const orchestrator = openOrchestrator(both);
        await orchestrator.submit(experiment, runId);
        const seen: Run[] = [];
        const over = followRun(orchestrator, runId, (run) => seen.push(run));
        await underWay(seen);
        await end();
        await until(() => leads(second) === 1);
        const run = await over;
        expect(run).toMatchObject({ attempt: 1, retries: 0 });
        const steps = seen.map(({ progress }) => progress?.step ?? 0);
        expect(steps).toEqual([...steps].sort((a, b) => a - b));
        expect(await lossesOf(world.runsDir, runId)).toEqual(undisturbed);
        expect(await stored(runId)).toMatchObject({
          lease: { epoch: 2, address: second.address },
          run: { epoch: 2, phase: 'succeeded' },
        });
        orchestrator.close();
      },
      240_000,
    );

    it('one that was stopped for longer than its lease leads no more', async () => {
      const orchestrator = openOrchestrator(second.address);
      await orchestrator.submit(experiment, 'stopped');
      const seen: Run[] = [];
      const over = followRun(orchestrator, 'stopped', (run) => seen.push(run));
      await underWay(seen);
      process.kill(first.pid, 'SIGSTOP');
      await until(() => leads(second) === 1);
      await underWay(seen);
      process.kill(first.pid, 'SIGCONT');
      await until(() =>
        first.log.some(
          (line) =>
            line.includes('"stands by"') && line.includes(second.address),
        ),
      );
      expect(leads(first)).toBe(1);
      // It answers as the leader does, having nothing of its own to say.
      const asked = openOrchestrator(first.address);
      const told = await asked.get('stopped');
      expect(['running', 'evaluating', 'succeeded']).toContain(phaseName(told));
      const run = await over;
      expect(run).toMatchObject({ attempt: 1, retries: 0 });
      expect(await asked.get('stopped')).toEqual(run);
      expect(await lossesOf(world.runsDir, 'stopped')).toEqual(undisturbed);
      await sleep(2 * leaseMs);
      expect(await stored('stopped')).toMatchObject({
        lease: { epoch: 2, address: second.address },
        run: { epoch: 2, phase: 'succeeded' },
      });
      asked.close();
      orchestrator.close();
    }, 240_000);
  },
);
