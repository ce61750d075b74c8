import { expect, it } from 'vitest';
import { experimentSchema } from '#distill/experiment.js';
import { runWorkSchema } from '#runtime/bus/run-events.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import { openDatasets } from '#runtime/data/index.js';
import { createLogger } from '#runtime/logger.js';
import { openOrchestrator } from '../../cli/orchestrator-client.js';
import { BankMirror } from '../../services/student/bank-mirror.js';
import type { Closer } from '../../services/student/closers.js';
import { toConfig } from '../../services/student/config.js';
import { StudentEvents } from '../../services/student/events.js';
import { GroupDoor } from '../../services/student/group/door.js';
import { Member } from '../../services/student/group/member.js';
import {
  factsOf,
  feedOf,
  groupSettingsOf,
  mirrorOptions,
  openTeacher,
  openThread,
  replicaFactsOf,
} from '../../services/student/parts.js';
import { runToEnd, startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { longExperiment, makeWorld } from '../world.js';

const runId = 'diverged';
const group = { joinMs: 60_000, digestEverySteps: 5 };

it('a worker whose weights are others ends the run', async () => {
  await using world = await makeWorld();
  await using cluster = await startCluster(world, {
    settings: { student: { group } },
  });
  const experiment = { ...longExperiment('before', 1, 2), workers: 2 };
  const orchestrator = openOrchestrator(cluster.orchestratorAddress);
  await orchestrator.submit(experiment, runId);
  const stop = new AbortController();
  const { signal } = stop;
  const item = await cluster.bus.take(runsQueue, signal);
  const { chief, attempt } = runWorkSchema.parse(item!.work);
  await item!.done();

  const closers: Closer[] = [];
  const config = toConfig({
    ...{
      worker: 'astray',
      datasets: world.datasets,
      engine: testEngine,
      group,
    },
    ...{ teacher: cluster.teacherAddress },
    memoryBank: cluster.memoryBankAddress,
  });
  const around = {
    ...{ config, address: '127.0.0.1:1', bus: cluster.bus, signal },
    ...{ door: new GroupDoor(), release: new AbortController().signal },
    events: new StudentEvents(createLogger('test', { level: 'silent' })),
    datasets: openDatasets(world.datasets),
  };
  const order = {
    ...{ runId, attempt, engine: testEngine },
    experiment: experimentSchema.parse(experiment),
  };
  const open = await openThread(order, around, closers);
  const teacher = await openTeacher(order, around, open.dataset, open.thread);
  await open.thread.begin(factsOf(teacher!));
  const mirror = mirrorOptions(order, around, teacher)!;
  const { thread, compute } = open;
  const member = new Member({
    ...{ runId, attempt, compute, signal, chief: chief!, tls: undefined },
    thread: {
      step: (inputs) => thread.step(inputs),
      gradients: (inputs) => thread.gradients(inputs),
      apply: (inputs) => thread.apply(inputs),
      remember: (moved) => thread.remember(moved),
      writeTraining: (state) => thread.writeTraining(state),
      classify: (share, statistics) => thread.classify(share, statistics),
      // As if a bit of its memory had flipped.
      digest: () => Promise.resolve('f'.repeat(64)),
    },
    ...{ worldSize: 2, precision: 'float32', totalSteps: open.plan.totalSteps },
    ...{ testSize: open.facts.testSize, evaluatesAfter: () => false },
    self: { worker: 'astray', address: around.address },
    facts: replicaFactsOf(open.facts),
    teacherDigest: teacher!.digest,
    maxStateBytes: 2 ** 24,
    feedOf(ranks, _step, version) {
      const bank = BankMirror.follow(mirror, version!);
      const peers = { ...open, teacher, bank, memories: undefined };
      const feed = feedOf(order, around, peers, ranks);
      return { feed, close: () => bank.close() };
    },
    settings: groupSettingsOf(config),
  });
  const helping = member.run().catch((error: unknown) => error);
  try {
    const run = runToEnd(cluster.orchestratorAddress, experiment, runId);
    await expect(run).rejects.toMatchObject({
      reason: 'REPLICA_DIVERGED',
      metadata: { worker: 'astray', step: '5', actual: 'f'.repeat(64) },
    });
  } finally {
    stop.abort(new Error('the test is over'));
    await helping;
    orchestrator.close();
    teacher!.close();
    for (const close of closers.reverse()) await close(false);
  }
}, 60_000);
