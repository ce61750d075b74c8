import { z } from 'zod';
import type { Dataset } from '#distill/data/dataset.js';
import type { Experiment } from '#distill/experiment.js';
import type { QueueSnapshot } from '#distill/queue.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import {
  keepNewest,
  listSteps,
  modelManifestSchema,
  readCheckpoint,
  stepLocation,
  writeCheckpoint,
} from '#runtime/checkpoint/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { CorruptFileError } from '#runtime/errors.js';
import { packageVersion } from '#runtime/version.js';
import { splitMemories } from './memory-state.js';
import type {
  ResumePoint,
  SaveRequest,
  Tally,
  TeacherFacts,
} from './trainer-api.js';
import type { Training } from './training.js';

/**
 * A run's checkpoint is a model that a teacher can serve (model.safetensors
 * and its manifest), with what it takes to go on training beside it.
 */

const count = z.number().int().nonnegative();
const fraction = z.number().min(0).max(1);

const tallySchema: z.ZodType<Tally> = z.object({
  evaluation: z
    .object({
      testAccuracy: fraction,
      agreementWithTeacher: fraction.exactOptional(),
    })
    .exactOptional(),
  bestTestAccuracy: fraction,
  teacherBytes: count,
  bankBytes: count,
});

const runManifestSchema = modelManifestSchema.extend({
  datasetDigest: z.string(),
  run: z.object({
    runId: z.string(),
    /** Steps taken: the cursor into the order of samples. */
    step: count,
    /** The resolved experiment, with every seed. */
    experiment: z.unknown(),
    tally: tallySchema,
    engine: z.string(),
    engineVersion: z.string(),
    codeVersion: z.string(),
    teacher: z
      .object({
        digest: z.string(),
        projection: z.object({
          seed: count,
          teacherFeatureDim: count,
          featDim: count,
        }),
      })
      .optional(),
    queue: z.object({ pointer: count, version: count }).optional(),
  }),
});

const queueRows = 'queue.rows';

/** A checkpoint as read: where it says to go on, and with what. */
export interface SavedTraining {
  readonly point: ResumePoint;
  readonly datasetDigest: string;
  /** All tensors of the train program. */
  readonly state: NamedHostTensors;
}

export interface TrainingContext {
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly engine: Engine;
  readonly teacher: TeacherFacts | undefined;
}

/** A checkpoint that is still to be written. */
export interface CapturedTraining {
  readonly location: string;
  readonly content: Parameters<typeof writeCheckpoint>[1];
  readonly runLocation: string;
  readonly keep: number;
}

/** Everything that the next checkpoint has; copies. */
export async function captureTraining(
  training: Training,
  context: TrainingContext,
  { runLocation, keep, ...run }: SaveRequest,
): Promise<CapturedTraining> {
  const state = await training.readState();
  const queue = training.readQueue();
  const { parameters, buffers } = training.network;
  const names = new Set(Object.keys({ ...parameters, ...buffers }));
  const content = {
    tensors: pick(state, (name) => names.has(name)),
    training: {
      ...pick(state, (name) => !names.has(name)),
      ...(queue && { [queueRows]: rowsOf(queue) }),
    },
    manifest: manifestOf(training, context, run, queue),
  };
  const location = stepLocation(runLocation, run.step);
  return { location, content, runLocation, keep };
}

/** Writes it, drops the oldest, and returns where it is. */
export async function saveTraining({
  location,
  content,
  runLocation,
  keep,
}: CapturedTraining): Promise<string> {
  await writeCheckpoint(location, content);
  await keepNewest(runLocation, keep);
  return location;
}

/**
 * The newest checkpoint of a run; undefined if it has none.
 * @throws CorruptFileError if it is damaged
 */
export async function findTraining(
  runLocation: string,
): Promise<SavedTraining | undefined> {
  const newest = (await listSteps(runLocation)).at(-1);
  if (!newest) return undefined;
  const { location } = newest;
  const { manifest, tensors, training } = await readCheckpoint(
    location,
    runManifestSchema,
  );
  if (!training) {
    const problem = 'it holds a model only, no training';
    throw new CorruptFileError({ path: location, problem });
  }
  const { run, datasetDigest } = manifest;
  const { [queueRows]: rows, ...others } = training;
  const { tensors: rest, memories } = splitMemories(others, run.step);
  const featDim = rows?.shape[1] ?? 0;
  const point: ResumePoint = {
    location,
    step: run.step,
    experiment: run.experiment,
    tally: run.tally,
    teacherDigest: run.teacher?.digest,
    engine: run.engine,
    queue:
      rows?.data instanceof Float32Array && run.queue
        ? { rows: rows.data, featDim, ...run.queue }
        : undefined,
    memories,
  };
  return { point, datasetDigest, state: { ...tensors, ...rest } };
}

function manifestOf(
  { network }: Training,
  { experiment, dataset, engine, teacher }: TrainingContext,
  run: Omit<SaveRequest, 'runLocation' | 'keep'>,
  queue: QueueSnapshot | undefined,
) {
  const { projectionSeed: seed, featDim } = experiment.bank;
  return {
    kind: 'model',
    network: network.name,
    classCount: network.classCount,
    imageShape: dataset.imageShape,
    normalization: dataset.normalization,
    dataset: dataset.name,
    datasetDigest: dataset.digest,
    run: {
      ...run,
      experiment,
      engine: engine.name,
      engineVersion: engine.version,
      codeVersion: packageVersion(),
      ...(teacher && {
        teacher: {
          digest: teacher.digest,
          projection: { seed, featDim, teacherFeatureDim: teacher.featureDim },
        },
      }),
      ...(queue && {
        queue: { pointer: queue.pointer, version: queue.version },
      }),
    },
  };
}

function rowsOf({ rows, featDim }: QueueSnapshot) {
  return { shape: [rows.length / featDim, featDim], data: rows };
}

function pick(
  tensors: NamedHostTensors,
  wanted: (name: string) => boolean,
): NamedHostTensors {
  return Object.fromEntries(
    Object.entries(tensors).filter(([name]) => wanted(name)),
  );
}
