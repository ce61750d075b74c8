import { isDeepStrictEqual } from 'node:util';
import {
  type Experiment,
  experimentSchema,
  needsOf,
} from '#distill/experiment.js';
import { mapNamesOf } from '#distill/map-names.js';
import type { TeacherTensor } from '#distill/methods/method.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import type { Datasets } from '#runtime/data/index.js';
import {
  ConfigInvalidError,
  DeadlineExceededError,
  RunAlreadyExistsError,
  TeacherMismatchError,
  ThreadLostError,
} from '#runtime/errors.js';
import type { SharedDataset } from '#runtime/data/shared.js';
import { startWorker } from '#runtime/worker.js';
import { BankMirror } from './bank-mirror.js';
import type { StudentConfig } from './config.js';
import type { StudentEvents } from './events.js';
import { type Collective, LocalCollective } from './group/collective.js';
import { type Plan, planOf } from './plan.js';
import { RunFolder } from './run-folder.js';
import { StepFeed } from './step-feed.js';
import { TeacherClient } from './teacher-client.js';
import type { ResumePoint, ThreadFacts, TrainerApi } from './trainer-api.js';
import { within } from './within.js';

/** A run as the bus hands it out, its experiment checked. */
export interface RunOrder {
  readonly runId: string;
  /** 1, 2, ...: which owner of the run we are. */
  readonly attempt: number;
  readonly experiment: Experiment;
  /** The experiment's wish, or the worker's. */
  readonly engine: EngineChoice;
}

export interface Surroundings {
  readonly config: StudentConfig;
  readonly events: StudentEvents;
  readonly datasets: Datasets;
  /** Aborts when the run is to stop at once. */
  readonly signal: AbortSignal;
  /** Aborts when it is to stop between two steps, behind a checkpoint. */
  readonly release: AbortSignal;
}

/** Everything that a run holds while it trains. */
export interface PreparedRun {
  readonly order: RunOrder;
  readonly plan: Plan;
  readonly facts: ThreadFacts;
  readonly thread: TrainerApi;
  /** Bounds a call of the thread in time. */
  readonly compute: <T>(work: Promise<T>) => Promise<T>;
  readonly folder: RunFolder;
  readonly feed: StepFeed;
  readonly collective: Collective;
  readonly teacher: TeacherClient | undefined;
  readonly bank: BankMirror | undefined;
  readonly resume: ResumePoint | undefined;
}

/** Frees something that a run opened. */
export type Closer = () => Promise<void> | void;

/**
 * Connects a run with its data, engine, checkpoint, teacher and bank; what it
 * does not need is not opened.
 * @param closers takes what frees each opened thing, also if a later one fails
 */
export async function prepare(
  order: RunOrder,
  around: Surroundings,
  closers: Closer[],
): Promise<PreparedRun> {
  const { config, events, signal } = around;
  const { runId, experiment, engine } = order;
  const dataset = await loadDataset(experiment.dataset, around);
  const entry = new URL('./trainer-worker.js', import.meta.url);
  const worker = await startWorker<TrainerApi>(entry, { name: 'trainer' });
  closers.push(() => worker.close());
  const { api: thread } = worker;
  const compute = <T>(work: Promise<T>) =>
    within(work, { ms: config.deadlines.computeMs, signal, late: stuck });

  const facts = await compute(thread.open({ experiment, engine, dataset }));
  const plan = planOf(experiment, facts);
  const folder = new RunFolder(config.runsDir, runId);
  const resume = await compute(thread.findCheckpoint(folder.checkpoints));
  if (resume) checkSameRun(order, resume);
  const teacher = await openTeacher(order, around, dataset, thread);
  if (teacher) closers.push(() => teacher.close());
  if (resume) checkSameTeacher(resume, teacher);
  await compute(thread.begin(teacher && factsOf(teacher)));
  const bank = await openBank(order, around, teacher, resume);
  if (bank) {
    closers.push(() => closeBank(bank, runId, events));
    await compute(thread.mirror(bank.snapshot));
  }
  await folder.begin(resume?.step ?? 0, { ...order, ...facts });
  closers.push(() => folder.close());
  const collective = new LocalCollective(experiment.ranks);
  const feed = new StepFeed(
    {
      runId,
      outputs: outputsOf(experiment, teacher),
      teacher,
      bank,
      prefetch: experiment.prefetch,
      totalSteps: plan.totalSteps,
      ranks: collective.ranks,
      batchOf: plan.rankBatchOf,
    },
    signal,
  );
  closers.push(() => feed.close());
  events.prepared(runId, facts, resume);
  return {
    ...{ order, plan, facts, thread, compute },
    ...{ folder, feed, collective, teacher, bank, resume },
  };
}

/** Loading goes on when the run gives up waiting: the next may want it. */
function loadDataset(
  name: string,
  { config, datasets, signal }: Surroundings,
): Promise<SharedDataset> {
  const { computeMs: deadlineMs } = config.deadlines;
  const service = 'the student';
  const method = `loading ${name}`;
  const late = () => new DeadlineExceededError({ service, method, deadlineMs });
  return within(datasets.share(name), { ms: deadlineMs, signal, late });
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

async function openTeacher(
  { runId, experiment }: RunOrder,
  { config, events, signal }: Surroundings,
  dataset: SharedDataset,
  thread: TrainerApi,
): Promise<TeacherClient | undefined> {
  const { training, bank } = experiment;
  if (!experiment.teacher) return undefined;
  const teacher = await TeacherClient.open(
    {
      addresses: config.teacher ?? missing('teacher'),
      tls: config.tls,
      client: runId,
      model: experiment.teacher.model,
      protocol: config.teacherProtocol,
      inference: config.kserve,
      dataset,
      views: training,
      projection: { seed: bank.projectionSeed, featDim: bank.featDim },
      maps: needsOf(experiment).maps !== undefined,
      describeMs: config.deadlines.describeMs,
      extractMs: config.deadlines.extractMs,
      attemptMs: config.deadlines.extractAttemptMs,
      listener: events.teachers(runId),
      pixelsOf: (batch) => thread.pixels(batch),
      onPixels: ({ reason }) => events.pixelsInstead(dataset.name, reason),
    },
    signal,
  );
  if (training.batchSize <= teacher.maxBatchSize) return teacher;
  teacher.close();
  throw new ConfigInvalidError({
    ...{ source: 'experiment', line: 0, field: 'training.batchSize' },
    value: training.batchSize,
    expected: `at most ${teacher.maxBatchSize}, the teacher's limit`,
  });
}

async function openBank(
  { runId, attempt, experiment }: RunOrder,
  { config, events, signal }: Surroundings,
  teacher: TeacherClient | undefined,
  resume: ResumePoint | undefined,
): Promise<BankMirror | undefined> {
  if (!needsOf(experiment).queue || !teacher) return undefined;
  const queue = resume?.queue;
  return BankMirror.open(
    {
      address: config.memoryBank ?? missing('memoryBank'),
      tls: config.tls,
      runId,
      attempt,
      bank: experiment.bank,
      worldSize: experiment.ranks,
      teacherDigest: teacher.digest,
      ...(resume && queue && { resume: { queue, step: resume.step } }),
      callMs: config.deadlines.bankMs,
      commitMs: config.deadlines.commitMs,
      onReconnect: (version, error) => events.reconnecting(version, error),
    },
    signal,
  );
}

/** The run is over: nobody needs its queue any more. */
async function closeBank(
  bank: BankMirror,
  runId: string,
  events: StudentEvents,
): Promise<void> {
  try {
    await bank.deleteQueue();
  } catch (error) {
    events.queueLeft(runId, error);
  } finally {
    bank.close();
  }
}

function factsOf({ digest, featureDim, mapShapes }: TeacherClient) {
  return { digest, featureDim, mapShapes };
}

/** What the terms read of the teacher. */
function outputsOf(
  experiment: Experiment,
  teacher: TeacherClient | undefined,
): ReadonlySet<TeacherTensor> {
  const needs = needsOf(experiment);
  const maps = mapNamesOf(needs, teacher?.mapShapes.length ?? 0);
  return new Set([...needs.teacher, ...maps]);
}

function stuck(waitedMs: number): ThreadLostError {
  const problem = `no answer within ${waitedMs} ms`;
  return new ThreadLostError({ thread: 'trainer', problem });
}

function missing(field: keyof StudentConfig): never {
  throw new ConfigInvalidError({
    ...{ source: 'student settings', line: 0, field, value: 'missing' },
    expected: 'host:port, since the run needs it',
  });
}
