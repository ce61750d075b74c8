import { type Experiment, needsOf } from '#distill/experiment.js';
import type { Side } from '#distill/methods/method.js';
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import type { Bus } from '#runtime/bus/bus.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import type { Datasets } from '#runtime/data/index.js';
import {
  ConfigInvalidError,
  DeadlineExceededError,
  ThreadLostError,
} from '#runtime/errors.js';
import type { SharedDataset } from '#runtime/data/shared.js';
import { startWorker } from '#runtime/worker.js';
import { packageVersion } from '#runtime/version.js';
import type { BankMirror, MirrorOptions } from './bank-mirror.js';
import type { Closer } from './closers.js';
import type { StudentConfig } from './config.js';
import type { StudentEvents } from './events.js';
import type { GroupDoor } from './group/door.js';
import type { GroupSettings, ReplicaFacts } from './group/settings.js';
import { type Plan, planOf, viewSettingsOf } from './plan.js';
import type { SampleMemories } from './sample-memories.js';
import { StepFeed } from './step-feed.js';
import { teacherRequests } from './teacher-requests.js';
import type { StepPlace } from './take-step.js';
import { TeacherClient } from './teacher-client.js';
import type { BySide, ThreadFacts, TrainerApi } from './trainer-api.js';
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
  /** host:port at which other workers reach this one. */
  readonly address: string;
  readonly bus: Bus;
  readonly door: GroupDoor;
  readonly events: StudentEvents;
  readonly datasets: Datasets;
  /** Aborts when the run is to stop at once. */
  readonly signal: AbortSignal;
  /** Aborts when it is to stop between two steps, behind a checkpoint. */
  readonly release: AbortSignal;
}

/** A thread with the run's data and engine. */
export interface OpenThread extends StepPlace {
  readonly thread: TrainerApi;
  readonly facts: ThreadFacts;
  readonly plan: Plan;
  readonly dataset: SharedDataset;
}

/** Whom the steps of a run come from. */
export interface Peers extends OpenThread {
  readonly teacher: TeacherClient | undefined;
  readonly bank: BankMirror | undefined;
  readonly memories: SampleMemories | undefined;
}

/** @param closers takes what ends the thread */
export async function openThread(
  { experiment, engine }: RunOrder,
  around: Surroundings,
  closers: Closer[],
): Promise<OpenThread> {
  const { config, signal } = around;
  const dataset = await loadDataset(experiment.dataset, around);
  const entry = new URL('./trainer-worker.js', import.meta.url);
  const worker = await startWorker<TrainerApi>(entry, { name: 'trainer' });
  closers.push(() => worker.close());
  const { api: thread } = worker;
  const compute = <T>(work: Promise<T>) =>
    within(work, { ms: config.deadlines.computeMs, signal, late: stuck });
  const facts = await compute(thread.open({ experiment, engine, dataset }));
  const plan = planOf(experiment, facts);
  return { thread, compute, facts, plan, dataset };
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

/** Undefined where the run has none. */
export async function openTeacher(
  { runId, experiment }: RunOrder,
  { config, events, signal }: Surroundings,
  dataset: SharedDataset,
  thread: TrainerApi,
): Promise<TeacherClient | undefined> {
  const { bank } = experiment;
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
      views: viewSettingsOf(experiment),
      projection: { seed: bank.projectionSeed, featDim: bank.featDim },
      maps: needsOf(experiment).maps !== undefined,
      mapPrecision: experiment.teacher.mapPrecision,
      describeMs: config.deadlines.describeMs,
      extractMs: config.deadlines.extractMs,
      attemptMs: config.deadlines.extractAttemptMs,
      listener: events.teachers(runId),
      pixelsOf: (batch) => thread.pixels(batch),
      onPixels: ({ reason }) => events.pixelsInstead(dataset.name, reason),
    },
    signal,
  );
  try {
    checkTeacher(experiment, teacher);
  } catch (error) {
    teacher.close();
    throw error;
  }
  return teacher;
}

/** @throws ConfigInvalidError for a run that the teacher is not for */
function checkTeacher(
  experiment: Experiment,
  { maxBatchSize, mapShapes }: TeacherClient,
): void {
  const refuse = (field: string, value: number | string, expected: string) => {
    const at = { source: 'experiment', line: 0, field };
    return new ConfigInvalidError({ ...at, value, expected });
  };
  const { batchSize } = experiment.training;
  if (batchSize > maxBatchSize) {
    const expected = `at most ${maxBatchSize}, the teacher's limit`;
    throw refuse('training.batchSize', batchSize, expected);
  }
  if (!needsOf(experiment).maps || mapShapes.length > 0) return;
  const expected = 'a model with maps, which a term of the loss reads';
  throw refuse('teacher.model', experiment.teacher?.model ?? 'none', expected);
}

/** Of the run's queue; undefined where it has none. */
export function mirrorOptions(
  order: RunOrder,
  around: Surroundings,
  teacher: TeacherClient | undefined,
): MirrorOptions | undefined {
  const { runId, experiment } = order;
  if (!needsOf(experiment).queue || !teacher) return undefined;
  const { capacity, seed, init: by } = experiment.bank;
  const precision = toWirePrecision(experiment.bank.precision);
  const init = by === 'rows' ? 'QUEUE_INIT_ROWS' : 'QUEUE_INIT_COLUMNS';
  const { queue: shared } = experiment.bank;
  const own =
    shared === undefined
      ? { queue: runId }
      : { queue: sharedName(shared), shared: true };
  const rows = { capacity, seed, init, precision } as const;
  const spec = { ...own, ...rows, ...specOf(order, teacher) };
  return optionsOf(order, around, spec);
}

/** A prefix that no run's name can have: the two must not be mixed up. */
function sharedName(queue: string): string {
  return `shared/${queue}`;
}

/** Of its memories of all samples; undefined where it has none. */
export function memoryOptions(
  order: RunOrder,
  around: Surroundings,
  teacher: TeacherClient | undefined,
  { trainSize: capacity }: ThreadFacts,
): BySide<MirrorOptions> | undefined {
  const { runId, experiment } = order;
  const { samples } = needsOf(experiment);
  if (!samples || !teacher) return undefined;
  const { seed } = experiment.bank;
  const { momentum } = samples;
  const of = (side: Side, seed: number) => {
    const queue = `${runId}/${side}-memory`;
    const init = 'QUEUE_INIT_UNIFORM' as const;
    const own = { queue, capacity, seed, init, momentum };
    return optionsOf(order, around, { ...own, ...specOf(order, teacher) });
  };
  return { student: of('student', seed), teacher: of('teacher', seed + 1) };
}

function specOf({ experiment }: RunOrder, teacher: TeacherClient) {
  const { featDim, projectionSeed } = experiment.bank;
  const teacherDigest = teacher.digest;
  const worldSize = experiment.ranks;
  return { featDim, projectionSeed, worldSize, teacherDigest };
}

function optionsOf(
  { runId, attempt }: RunOrder,
  { config, events }: Surroundings,
  spec: MirrorOptions['spec'],
): MirrorOptions {
  return {
    address: config.memoryBank ?? missing('memoryBank'),
    tls: config.tls,
    runId,
    attempt,
    spec,
    prepareMs: config.deadlines.bankPrepareMs,
    callMs: config.deadlines.bankMs,
    commitMs: config.deadlines.commitMs,
    onReconnect: (version, error) => events.reconnecting(version, error),
  };
}

/** What the steps of `ranks` need, asked for ahead. */
export function feedOf(
  { runId, experiment }: RunOrder,
  { signal }: Surroundings,
  { plan, teacher, bank, memories }: Peers,
  ranks: readonly number[],
): StepFeed {
  const { prefetch, bank: queue } = experiment;
  const { totalSteps } = plan;
  const requestsOf = teacherRequests(plan, teacher?.mapShapes.length ?? 0);
  const peers = { teacher, bank, memories };
  return new StepFeed(
    {
      ...{ ...peers, runId, prefetch, totalSteps, ranks, requestsOf },
      staleness: queue.staleness,
    },
    signal,
  );
}

/** How a group of workers is kept together. */
export function groupSettingsOf({
  group,
  heartbeatMs,
  leaseMs,
}: StudentConfig): GroupSettings {
  return { ...group, heartbeatMs, leaseMs };
}

export function replicaFactsOf(facts: ThreadFacts): ReplicaFacts {
  const { engine, engineVersion, datasetDigest } = facts;
  const codeVersion = packageVersion();
  return { engine, engineVersion, datasetDigest, codeVersion };
}

export function factsOf({ digest, featureDim, mapShapes }: TeacherClient) {
  return { digest, featureDim, mapShapes };
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
