import { needsOf } from '#distill/experiment.js';
import { BankMirror } from './bank-mirror.js';
import { closeAll, type Closer } from './closers.js';
import { Member } from './group/member.js';
import { encodeState } from './group/state-codec.js';
import { isHeld } from './held.js';
import {
  factsOf,
  feedOf,
  groupSettingsOf,
  memoryOptions,
  mirrorOptions,
  openTeacher,
  openThread,
  type OpenThread,
  replicaFactsOf,
  type RunOrder,
  type Surroundings,
} from './parts.js';
import { isAbsence } from './patiently.js';
import { SampleMemories } from './sample-memories.js';
import type { TeacherClient } from './teacher-client.js';

/** Of a state's file, beside its tensors: names and places. */
const headerBytes = 2 ** 20;
const floatBytes = 4;

/**
 * Computes ranks of a run that the worker at `chief` holds, until it is over.
 * @param onJoined called once the chief has been heard
 * @throws whatever ended it early: a signal's reason, or a DomainError
 */
export async function help(
  order: RunOrder,
  chief: string,
  around: Surroundings,
  onJoined: () => void,
): Promise<void> {
  const closers: Closer[] = [];
  try {
    const open = await openThread(order, around, closers);
    const { thread, compute, dataset } = open;
    const teacher = await openTeacher(order, around, dataset, thread);
    if (teacher) closers.push(() => teacher.close());
    await compute(thread.begin(teacher && factsOf(teacher)));
    const maxStateBytes = await stateBytesOf(order, open);
    const more = { chief, maxStateBytes };
    const join = () => memberOf(order, around, open, teacher, more);
    await joinPatiently(order, around, join, onJoined);
  } finally {
    const { events } = around;
    await closeAll(closers, false, events.unfreed(order.runId));
  }
}

/**
 * Takes the seat that was offered. A chief that cannot be reached has not
 * noticed us, and does not offer the seat again: while the bus tells that it
 * holds the run, it is only the network between us that is broken.
 */
async function joinPatiently(
  order: RunOrder,
  around: Surroundings,
  join: () => Member,
  onJoined: () => void,
): Promise<void> {
  const { bus, config, signal, release } = around;
  const { leaseMs } = config;
  const leaving = AbortSignal.any([signal, release]);
  for (;;) {
    const member = join();
    const close = around.door.open(order.runId, member);
    try {
      return await member.run();
    } catch (error) {
      if (member.joined || !isAbsence(error)) throw error;
      const patience = { bus, leaseMs, signal: leaving };
      if (!(await isHeld(order, patience))) throw error;
      around.events.chiefUnreached(order.runId, error);
    } finally {
      close();
      if (member.joined) onJoined();
    }
  }
}

function memberOf(
  order: RunOrder,
  around: Surroundings,
  open: OpenThread,
  teacher: TeacherClient | undefined,
  more: { readonly chief: string; readonly maxStateBytes: number },
): Member {
  const { runId, attempt, experiment } = order;
  const { config, address, signal, release } = around;
  const { thread, compute, facts, plan } = open;
  const mirror = mirrorOptions(order, around, teacher);
  const each = memoryOptions(order, around, teacher, facts);
  return new Member({
    ...{ runId, attempt, thread, compute, tls: config.tls, ...more },
    worldSize: experiment.ranks,
    precision: experiment.gradientPrecision,
    totalSteps: plan.totalSteps,
    testSize: facts.testSize,
    evaluatesAfter: (step) =>
      plan.endsEpoch(step) && plan.evaluatesAfter(plan.epochOf(step)),
    self: { worker: config.worker, address },
    facts: replicaFactsOf(facts),
    teacherDigest: teacher?.digest,
    feedOf(ranks, step, place) {
      const bank =
        mirror && place ? BankMirror.follow(mirror, place) : undefined;
      const memories = each && SampleMemories.follow(each, step);
      const peers = { ...open, teacher, bank, memories };
      const feed = feedOf(order, around, peers, ranks);
      const close = () => {
        bank?.close();
        memories?.close();
      };
      return { feed, close };
    },
    settings: groupSettingsOf(config),
    signal: AbortSignal.any([signal, release]),
  });
}

/** What a state of this run takes, as our own shows: ours has no rows yet. */
async function stateBytesOf(
  { experiment }: RunOrder,
  { thread, compute, facts }: OpenThread,
): Promise<number> {
  const own = encodeState(await compute(thread.readTraining()));
  const { capacity, featDim } = experiment.bank;
  const memories = needsOf(experiment).samples ? 2 : 0;
  const rows = capacity + memories * facts.trainSize;
  return own.bytes.length + rows * featDim * floatBytes + headerBytes;
}
