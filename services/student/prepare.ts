import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { experimentSchema } from '#distill/experiment.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { JsonObject } from '#runtime/bus/bus.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import {
  RunAlreadyExistsError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import { BankMirror, type MirrorOptions } from './bank-mirror.js';
import type { Closer } from './closers.js';
import type { StudentEvents } from './events.js';
import { Chief } from './group/chief.js';
import { type Group, SingleGroup } from './group/group.js';
import {
  factsOf,
  feedOf,
  groupSettingsOf,
  memoryOptions,
  mirrorOptions,
  openTeacher,
  openThread,
  type Peers,
  replicaFactsOf,
  type RunOrder,
  type Surroundings,
} from './parts.js';
import { RunFolder } from './run-folder.js';
import { SampleMemories } from './sample-memories.js';
import type { TeacherClient } from './teacher-client.js';
import type { BySide, ResumePoint } from './trainer-api.js';

/** Everything that a run holds while it trains. */
export interface PreparedRun extends Peers {
  readonly order: RunOrder;
  readonly folder: RunFolder;
  readonly group: Group;
  readonly resume: ResumePoint | undefined;
}

/**
 * Connects a run with its data, engine, checkpoint, teacher, bank and helpers;
 * what it does not need is not opened.
 * @param closers takes what frees each opened thing, also if a later one fails
 */
export async function prepare(
  order: RunOrder,
  around: Surroundings,
  closers: Closer[],
): Promise<PreparedRun> {
  const { config, events } = around;
  const { runId } = order;
  const open = await openThread(order, around, closers);
  const { thread, compute, facts } = open;
  const folder = new RunFolder(
    ...([config.runsDir, runId, config.checkpoints] as const),
  );
  const resume = await compute(thread.findCheckpoint(folder.checkpoints));
  if (resume) checkSameRun(order, resume);
  const teacher = await openTeacher(order, around, open.dataset, thread);
  if (teacher) closers.push(() => teacher.close());
  if (resume) checkSameTeacher(resume, teacher);
  await compute(thread.begin(teacher && factsOf(teacher)));
  const mirror = mirrorOptions(order, around, teacher);
  const bank = mirror && (await openBank(mirror, resume, around));
  if (bank) closers.push((isOver) => closeBank(bank, order, events, isOver));
  const each = memoryOptions(order, around, teacher, facts);
  const memories = each && (await openMemories(each, resume, around));
  if (memories) closers.push(() => closeMemories(memories, runId, events));
  await compute(
    thread.mirror({
      ...(bank && { queue: bank.takeSnapshot() }),
      ...(memories && { memories: memories.takeSnapshots() }),
    }),
  );
  await folder.begin(resume?.step ?? 0, { ...order, ...facts });
  closers.push(() => folder.close());
  const peers = { ...open, teacher, bank, memories };
  const group = openGroup(order, around, peers, closers);
  closers.push(() => group.close());
  events.prepared(runId, facts, resume);
  return { ...peers, order, folder, group, resume };
}

function openGroup(
  order: RunOrder,
  around: Surroundings,
  peers: Peers,
  closers: Closer[],
): Group {
  const { runId, attempt, experiment } = order;
  const { ranks: worldSize, workers, gradientPrecision } = experiment;
  const { config, address, door, events, signal } = around;
  const { worker, tls } = config;
  const { thread, compute, facts, teacher, bank } = peers;
  const feed = (ranks: readonly number[]) =>
    feedOf(order, around, peers, ranks);
  const precision = gradientPrecision;
  if (workers === 1) return new SingleGroup(worldSize, precision, feed);
  const chief = new Chief({
    ...{ runId, attempt, worldSize, workers, precision, tls, signal },
    ...{ thread, compute },
    self: { worker, address },
    facts: replicaFactsOf(facts),
    testSize: facts.testSize,
    teacherDigest: teacher?.digest,
    feedOf: feed,
    stepAfter: (version) => bank?.stepAfter(version) ?? 0,
    offerSeat: () => offerSeat(order, around),
    listener: events.group(runId),
    settings: groupSettingsOf(config),
  });
  closers.push(door.open(runId, chief));
  return chief;
}

/** Asks the bus for a worker that helps with the ranks. */
async function offerSeat(
  { runId, attempt, experiment }: RunOrder,
  { bus, address, events }: Surroundings,
): Promise<void> {
  const work = { runId, attempt, experiment, chief: address };
  const json = JSON.parse(JSON.stringify(work)) as JsonObject;
  const messageId = `seat-${runId}-${attempt}-${randomUUID()}`;
  await bus
    .offer(runsQueue, json, { messageId })
    .catch((error: unknown) => events.reportFailed(runId, error));
}

async function openBank(
  options: MirrorOptions,
  resume: ResumePoint | undefined,
  { signal }: Surroundings,
): Promise<BankMirror> {
  const queue = resume?.queue;
  const from = resume && queue && { resume: { queue, step: resume.step } };
  return BankMirror.open({ ...options, ...from }, signal);
}

function openMemories(
  options: BySide<MirrorOptions>,
  resume: ResumePoint | undefined,
  { signal }: Surroundings,
): Promise<SampleMemories> {
  const from = (queue: QueueSnapshot | undefined) =>
    resume && queue && { resume: { queue, step: resume.step } };
  const { student, teacher } = options;
  const each = {
    student: { ...student, ...from(resume?.memories?.student) },
    teacher: { ...teacher, ...from(resume?.memories?.teacher) },
  };
  return SampleMemories.open(each, signal);
}

async function closeMemories(
  memories: SampleMemories,
  runId: string,
  events: StudentEvents,
): Promise<void> {
  try {
    await memories.deleteQueues();
  } catch (error) {
    events.queueLeft(runId, error);
  } finally {
    memories.close();
  }
}

/**
 * Nobody needs the run's own queue any more: a checkpoint has it. A shared one
 * is left where the run is over; else the run goes on as its member.
 */
async function closeBank(
  bank: BankMirror,
  { runId, experiment }: RunOrder,
  events: StudentEvents,
  isOver: boolean,
): Promise<void> {
  const isShared = experiment.bank.queue !== undefined;
  try {
    if (isOver || !isShared) await bank.deleteQueue();
  } catch (error) {
    events.queueLeft(runId, error);
  } finally {
    bank.close();
  }
}
/** Another run under the same name must not be taken for this one. */
function checkSameRun(order: RunOrder, resume: ResumePoint): void {
  const earlier = experimentSchema.safeParse(resume.experiment).data;
  if (isDeepStrictEqual(earlier, order.experiment)) return;
  throw new RunAlreadyExistsError({ runId: order.runId });
}

function checkSameTeacher(
  { teacherDigest: expected }: ResumePoint,
  teacher: TeacherClient | undefined,
): void {
  const actual = teacher?.digest;
  if (actual === expected) return;
  throw new TeacherMismatchError({
    source: 'the run now',
    expected: expected ?? 'none',
    actual: actual ?? 'none',
  });
}
