import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import { openBus } from '#runtime/bus/index.js';
import { subjects } from '#runtime/bus/subjects.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { ServiceUnavailableError } from '#runtime/errors.js';
import { followRun } from '../../cli/follow.js';
import { openOrchestrator, type Run } from '../../cli/orchestrator-client.js';
import { lossesOf } from '../cluster.js';
import { testEngine } from '../engine.js';
import type { FaultyLink } from '../faulty-link.js';
import { natsMissing } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import type { ServiceProcess } from '../processes.js';
import { LinkedCluster, type LinkedStudent } from '../linked-cluster.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const missing = natsMissing();
const faultMs = 700;
/** Longer than a fault, so that a run keeps its worker. */
const leaseMs = 3_000;

const alone = lasting(longExperiment('before', 1), 6);
const workers = 3;
const shared = { ...lasting(longExperiment('before', 1, 4), 12), workers };
const unreached = "the run's chief cannot be reached; trying again";

function lasting(experiment: Experiment, epochs: number): Experiment {
  return { ...experiment, training: { ...experiment.training, epochs } };
}

const stepsOf = ({ training }: Experiment) => 6 * training.epochs;

/** Whatever a slow machine takes for it. */
async function until(state: () => unknown): Promise<void> {
  const patience = AbortSignal.timeout(90_000);
  while (!(await state())) {
    patience.throwIfAborted();
    await sleep(20);
  }
}

/** A run, and what the user's watch has shown of it so far. */
interface Watched {
  readonly runId: string;
  readonly experiment: Experiment;
  readonly seen: Run[];
  readonly end: Promise<Run>;
}

describe.skipIf(missing)(
  `links between services${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    let world: World;
    let cluster: LinkedCluster;
    const undisturbed = new Map<Experiment, readonly number[]>();

    beforeAll(async () => {
      world = await makeWorld();
      // First: the links are in this process, and must not stand still.
      for (const experiment of [alone, shared])
        undisturbed.set(experiment, await oneProcess(experiment));
      cluster = await LinkedCluster.start(world, workers, {
        student: { HEARTBEAT_MS: 200, LEASE_MS: leaseMs },
        'memory-bank': { HEALTH_MS: 100, ALARMS__EFFECTIVE_RANK: 1_000 },
      });
    }, 120_000);

    afterAll(async () => {
      await cluster[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    }, 60_000);

    async function oneProcess(experiment: Experiment) {
      const engine = await createEngine(testEngine);
      const dataset = await openDatasets(world.datasets).get('tiny');
      const { teacher } = world;
      const steps = stepsOf(experiment);
      const work = { experiment, engine, dataset, teacher, steps };
      return (await trainInOneProcess(work)).losses;
    }

    /** Steps that a run has taken, as its folder tells. */
    const taken = async ({ runId }: Watched) =>
      (await lossesOf(world.runsDir, runId).catch(() => [])).length;

    async function progress(run: Watched, count: number): Promise<void> {
      const goal = (await taken(run)) + count;
      const last = stepsOf(run.experiment);
      await until(async () => (await taken(run)) >= Math.min(goal, last));
    }

    const says = ({ log }: ServiceProcess, runId: string, message: string) =>
      log.filter((l) => l.includes(`"${runId}"`) && l.includes(`"${message}"`));

    /**
     * Submits a run and waits until it is under way.
     * @param addresses of orchestrators, as a user names them
     * @param brakeMs how far away its teacher is, so that it takes some time
     */
    async function start(
      runId: string,
      { addresses = cluster.leader.address, experiment = alone, brakeMs = 50 },
    ): Promise<Watched & { readonly holder: LinkedStudent }> {
      const user = openOrchestrator(addresses);
      const seen: Run[] = [];
      await user.submit(experiment, runId);
      const end = followRun(user, runId, (run) => void seen.push(run));
      const close = () => user.close();
      end.then(close, close);
      const holds = ({ service }: LinkedStudent) =>
        says(service, runId, 'run claimed').length > 0;
      await until(() => cluster.students.some(holds));
      const holder = cluster.students.find(holds)!;
      holder.teacher.delay(brakeMs);
      const run = { runId, experiment, seen, end, holder };
      await progress(run, 3);
      return run;
    }

    /** Cut, then silent, then slow, and as it was after each. */
    async function disturb(run: Watched, link: FaultyLink): Promise<void> {
      for (const fault of ['cut', 'silence'] as const) {
        link[fault]();
        await sleep(faultMs);
        link.mend();
        await progress(run, 3);
      }
      link.delay(60);
      await progress(run, 4);
      link.mend();
    }

    /** The user was told of one worker that went to the end. */
    async function expectUndisturbed(run: Watched): Promise<void> {
      const { runId, experiment, seen } = run;
      const { attempt, retries, result } = await run.end;
      expect({ attempt, retries }).toEqual({ attempt: 1, retries: 0 });
      expect(result?.bankVersions).toBe(stepsOf(experiment));
      const told = seen.map(({ progress }) => progress?.step ?? 0);
      expect(told).toEqual([...told].sort((a, b) => a - b));
      const losses = await lossesOf(world.runsDir, runId);
      expect(losses).toEqual(undisturbed.get(experiment));
    }

    describe.concurrent('of a run on one worker', () => {
      it.each(['teacher', 'bank'] as const)(
        'student-%s: the run stands still, and goes on by itself',
        async (name) => {
          const run = await start(`student-${name}`, { brakeMs: 0 });
          await disturb(run, run.holder[name]);
          await expectUndisturbed(run);
        },
        240_000,
      );

      it('student-nats: the run goes on meanwhile, progress is told later', async () => {
        const run = await start('student-nats', {});
        await disturb(run, run.holder.nats);
        await expectUndisturbed(run);
      }, 240_000);

      it('leader-nats: likewise', async () => {
        const run = await start('leader-nats', {});
        await disturb(run, cluster.links.leaderNats);
        await expectUndisturbed(run);
      }, 240_000);

      it('leader-standby: who asked the standby waits, and sees the end', async () => {
        const addresses = cluster.standby.address;
        const run = await start('leader-standby', { addresses });
        await disturb(run, cluster.links.leaderStandby);
        await expectUndisturbed(run);
      }, 240_000);

      it('user-leader: a cut is told at once, silence is waited out, the run goes on', async () => {
        const link = cluster.links.userLeader;
        const { address: addresses } = link;
        const run = await start('user-leader', { addresses });
        link.cut();
        await expect(run.end).rejects.toBeInstanceOf(ServiceUnavailableError);
        link.mend();
        const user = openOrchestrator(addresses);
        const seen: Run[] = [];
        const end = followRun(user, run.runId, (now) => void seen.push(now));
        await until(() => seen.length > 0);
        link.silence();
        await sleep(faultMs);
        link.mend();
        link.delay(60);
        await expectUndisturbed({ ...run, seen, end });
        user.close();
      }, 240_000);

      it('bank-nats: rows are served, an alarm is told later', async () => {
        const { nats, links } = cluster;
        const bus = await openBus({ kind: 'nats', servers: [nats.address] });
        const stop = new AbortController();
        const { signal } = stop;
        const told: unknown[] = [];
        const follow = async () => {
          const options = { from: 'now', signal } as const;
          for await (const { data } of bus.subscribe(
            subjects.bankAlarm,
            options,
          ))
            told.push(data['queue']);
        };
        const following = follow();
        links.bankNats.cut();
        const run = await start('bank-nats', {});
        expect(told).not.toContain(run.runId);
        links.bankNats.mend();
        await until(() => told.includes(run.runId));
        await disturb(run, links.bankNats);
        await expectUndisturbed(run);
        stop.abort();
        await following;
        await bus.close();
      }, 240_000);
    });

    it('of workers that share a run: it goes on with those that are left, and again with all', async () => {
      const options = { experiment: shared, brakeMs: 100 };
      const run = await start('shared', options);
      const chief = run.holder;
      const dealtTo = () => {
        const last = says(chief.service, run.runId, 'ranks dealt').at(-1);
        const { workers } = JSON.parse(last!) as { workers: string[] };
        return workers;
      };
      const sharing = (count: number) =>
        until(() => dealtTo().length === count);
      await sharing(workers);

      chief.door.cut();
      await sharing(1);
      // A seat that is taken in vain must not be lost.
      const refused = ({ service }: LinkedStudent) =>
        says(service, run.runId, unreached).length > 0;
      await until(() => cluster.students.some(refused));
      chief.door.mend();
      await sharing(workers);

      // One calls the other; both have their chief.
      const called = cluster.students.find(({ name }) => name === dealtTo()[1]);
      called!.door.cut();
      await sharing(workers - 1);
      called!.door.mend();
      await sharing(workers);
      called!.door.silence();
      await sleep(faultMs);
      called!.door.mend();
      await progress(run, 1);
      expect(dealtTo().length).toBe(workers);

      chief.door.silence();
      await sharing(1);
      chief.door.mend();
      chief.door.delay(60);
      await progress(run, 3);
      await expectUndisturbed(run);
    }, 300_000);
  },
);
