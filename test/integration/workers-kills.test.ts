import { describe, expect, it } from 'vitest';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { lossesOf, runToEnd } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import { ProcessCluster, type ServiceProcess } from '../processes.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const missing = natsMissing();
const ranks = 4;
const workers = 3;
// Enough steps for workers to start up in the meantime, on a busy machine too.
const epochs = 40;
const steps = 6 * epochs;

/** A run of many short steps, with a checkpoint now and then. */
function killedExperiment() {
  const experiment = longExperiment('before', 4, ranks);
  const often = { epochs, evaluateEvery: 10, checkpointEverySteps: 10 };
  return {
    ...{ ...experiment, workers },
    training: { ...experiment.training, ...often },
  };
}

async function undisturbed({ datasets, teacher }: World) {
  const engine = await createEngine(testEngine);
  const dataset = await openDatasets(datasets).get('tiny');
  const experiment = killedExperiment();
  return trainInOneProcess({ experiment, engine, dataset, teacher, steps });
}

const linesOf = ({ log }: ServiceProcess, message: string) =>
  log.filter((line) => line.includes(`"${message}"`));

/** How many workers share the ranks of `chief`'s run by now. */
function sharing(chief: ServiceProcess): number {
  const last = linesOf(chief, 'ranks dealt').at(-1) ?? '{"workers":[]}';
  return (JSON.parse(last) as { workers: string[] }).workers.length;
}

const until = (state: () => boolean) =>
  expect.poll(state, { timeout: 60_000, interval: 20 }).toBe(true);

describe.skipIf(missing)(
  `ranks on workers that come and go${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    it('give the losses of one process that nobody disturbed', async () => {
      await using world = await makeWorld();
      const nats = await startNatsServer();
      try {
        const soon = { LEASE_MS: 2_000, HEARTBEAT_MS: 200 };
        await using cluster = await ProcessCluster.start(world, nats, {
          student: soon,
          orchestrator: { LEASE_MS: 2_000 },
        });
        while (cluster.all('student').length < workers)
          await cluster.spawn('student');
        const claimed = (student: ServiceProcess) =>
          linesOf(student, 'run claimed').length > 0;
        const stepsTaken = async () =>
          (await lossesOf(world.runsDir, 'killed').catch(() => [])).length;
        const progress = async (count: number) => {
          const goal = (await stepsTaken()) + count;
          await expect
            .poll(stepsTaken, { timeout: 60_000 })
            .toBeGreaterThan(goal);
        };
        const address = cluster.orchestratorAddress;
        const run = runToEnd(address, killedExperiment(), 'killed');

        const students = () => cluster.all('student');
        await until(() => students().some(claimed));
        const chief = students().find(claimed)!;
        await until(() => sharing(chief) === 3);
        await progress(5);
        const member = students().find((student) => student !== chief)!;
        await member.kill();
        await until(() => sharing(chief) === 2);
        await progress(5);
        await cluster.spawn('student');
        await until(() => sharing(chief) === 3);
        await progress(5);
        await chief.kill();
        const next = (student: ServiceProcess) =>
          student !== chief && claimed(student);
        await until(() => students().some(next));
        const successor = students().find(next)!;
        await until(() => sharing(successor) >= 2);

        const { result } = await run;
        const { losses } = await undisturbed(world);
        expect(await lossesOf(world.runsDir, 'killed')).toEqual(losses);
        expect(result?.bankVersions).toBe(steps);
      } finally {
        await nats.close();
      }
    }, 240_000);
  },
);
