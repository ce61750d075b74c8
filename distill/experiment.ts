import { z } from 'zod';
import { methodNames, methods, type MethodName } from './methods/index.js';
import type {
  EnqueueOrder,
  Method,
  Needs,
  Weighted,
} from './methods/method.js';
import { networkNames } from './models/index.js';
import { convPrecisions } from './ops/autocast.js';
import { precisions } from './precision.js';
import { mergedViews } from './views.js';
import {
  everCounts,
  type Weight,
  weightAt,
  weightSchema,
} from './weight-schedule.js';

/**
 * An experiment: everything that decides a run's numbers, and nothing that
 * does not (addresses, ports and folders belong to the services). One YAML
 * file in configs/ is one experiment.
 */

const count = z.number().int().positive();
const seed = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const name = z.string().regex(/^[a-z0-9][a-z0-9._+-]{0,63}$/i);

/** The terms that an experiment may name, each with its method's parameters. */
const terms = Object.fromEntries(
  methodNames.map((method) => [method, methods[method].params.optional()]),
) as unknown as {
  [M in MethodName]: z.ZodOptional<(typeof methods)[M]['params']>;
};

/** The fields of an experiment, before what they must be together. */
export const experimentFields = z.strictObject({
  name,
  /** A name of the services' data sets; `procedural` is always there. */
  dataset: name,
  student: z.strictObject({ network: z.enum(networkNames) }),
  /** A model of the teacher service; needed by terms that read the teacher. */
  teacher: z
    .strictObject({
      model: name,
      /** What its maps are rounded to where they leave it. */
      mapPrecision: z.enum(precisions).default('float32'),
    })
    .optional(),
  /** L = crossEntropy * CE + the weighted terms of the methods named. */
  loss: z.strictObject({
    /** gamma of the paper */
    crossEntropy: weightSchema.default(1),
    ...terms,
  }),
  /** The queue of teacher embeddings; needed by terms that read it. */
  bank: z
    .strictObject({
      capacity: count.max(2 ** 22).default(16384),
      featDim: count.max(2048).default(128),
      /** Fills the queue at version 0. */
      seed: seed.default(0),
      init: z.enum(['rows', 'columns']).default('rows'),
      projectionSeed: seed.default(0),
      /** What rows are rounded to where they enter the queue. */
      precision: z.enum(precisions).default('float32'),
      /** Steps whose rows the queue may lack: above 0 no two runs are equal. */
      staleness: z.number().int().min(0).max(64).default(0),
      /** Runs that name the same one share it; without it each has its own. */
      queue: name.optional(),
    })
    .prefault({}),
  /**
   * Data-parallel micro-batches of a step, each of `training.batchSize`
   * samples: the global batch is `ranks * training.batchSize`.
   */
  ranks: count.max(64).default(1),
  /** What ranks round gradients to, and their mean, where they meet. */
  gradientPrecision: z.enum(['float32', 'bfloat16']).default('float32'),
  /** Workers that share the ranks, at most. Never changes a result. */
  workers: count.max(64).default(1),
  training: z.strictObject({
    epochs: count,
    /** Samples of each rank. */
    batchSize: count.max(65536).default(64),
    /** Initial weights; also the data's, where `dataSeed` is left out. */
    seed: seed.default(0),
    /**
     * Order of samples and their views: runs that differ in other fields but
     * share it ask a teacher for the same views.
     */
    dataSeed: seed.optional(),
    augmentation: z
      .enum(['crop-flip', 'random-resized-crop', 'none'])
      .default('crop-flip'),
    /** Of convolutions, forwards and backwards. */
    precision: z.enum(convPrecisions).default('float32'),
    learningRate: z.number().positive().default(0.05),
    momentum: z.number().min(0).lt(1).default(0.9),
    weightDecay: z.number().nonnegative().default(5e-4),
    /** The rate drops by `decay` once epoch > milestone; epochs count from 1. */
    milestones: z.array(count).max(64).default([]),
    decay: z.number().positive().lt(1).default(0.1),
    /** Epochs between measurements of the test split; the last is always one. */
    evaluateEvery: count.default(1),
    /** Epochs between checkpoints; the last is always one. */
    checkpointEvery: count.default(1),
    /** Steps between further checkpoints; none without it. */
    checkpointEverySteps: count.optional(),
  }),
  /** Steps whose teacher outputs are requested ahead. Never changes a result. */
  prefetch: count.max(64).default(4),
  /** `auto`: the fastest engine of the worker that takes the run. */
  engine: z
    .enum(['auto', 'tensorflow', 'onnx', 'wasm', 'webgpu', 'cpu'])
    .default('auto'),
  /** Of its GPU, that a worker must have to take the run. */
  gpuMemoryGiB: z.number().nonnegative().max(65_536).default(0),
});

/** Parsing a parsed experiment again changes nothing. */
export const experimentSchema = experimentFields.superRefine(
  (experiment, context) => {
    const refuse = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const { ranks, workers, training } = experiment;
    if (workers > ranks)
      refuse(['workers'], `at most ${ranks}, the number of ranks`);
    const terms = weightedTerms(experiment);
    for (const { name, method, params } of terms) {
      const needs = method.needs(params);
      const views = needs.views ?? [];
      const outputs = [needs, ...views].flatMap(({ teacher }) => [...teacher]);
      const needsTeacher = outputs.length > 0 || needs.maps;
      if (needsTeacher && !experiment.teacher)
        refuse(['teacher'], `a teacher, which ${name} learns from`);
      const redraws = views.some(({ kind }) => kind === 'redraw');
      if (redraws && training.augmentation === 'none')
        refuse(
          ['training', 'augmentation'],
          `a kind of views, which ${name} draws again`,
        );
      if (views.length > 0 && !redraws && training.batchSize === 1)
        refuse(
          ['training', 'batchSize'],
          `2 at least, since ${name} mixes samples`,
        );
    }
    const staged = terms.filter(hasStage);
    if (terms.every(isOver) && !everCounts(experiment.loss.crossEntropy))
      refuse(['loss'], 'a term with a weight above 0 in the run');
    for (const { name } of staged) {
      const instead = 'or stageEpochs: 0';
      if (ranks > 1)
        refuse(
          ['ranks'],
          `1, since ${name} has a stage before the run, ${instead}`,
        );
      if (terms.some(readsBank))
        refuse(
          ['loss', name],
          `no stage beside a term that reads the bank, ${instead}`,
        );
    }
    const orders = new Set(terms.flatMap(orderOf));
    if (orders.size > 1)
      refuse(['loss'], 'one enqueue order for all terms that read the queue');
    const remembering = terms.filter(hasMemories);
    if (remembering.length > 1)
      refuse(['loss'], 'one term with memories of all samples at most');
    if (remembering.length > 0 && experiment.bank.precision !== 'float32')
      refuse(
        ['bank', 'precision'],
        `float32, since ${remembering[0]!.name} has memories of all samples`,
      );
  },
);

export type Experiment = z.infer<typeof experimentSchema>;

/** Decides the order of samples, their views, and what they are mixed with. */
export function dataSeedOf({
  seed,
  dataSeed = seed,
}: Pick<Experiment['training'], 'seed' | 'dataSeed'>): number {
  return dataSeed;
}

/** A term of the loss that counts. */
export interface WeightedTerm {
  readonly name: MethodName;
  readonly method: Method;
  readonly params: Weighted;
}

/** The terms with a weight above 0; what the others need is not asked for. */
export function weightedTerms({ loss }: Pick<Experiment, 'loss'>) {
  return methodNames.flatMap((name): WeightedTerm[] => {
    const params = loss[name];
    const method: Method = methods[name];
    return params && everCounts(params.weight)
      ? [{ name, method, params }]
      : [];
  });
}

/**
 * The weights of `crossEntropy` and of the terms in an epoch of the loss's
 * phase, from 1; without those that never count.
 */
export function weightsAt(
  loss: Experiment['loss'],
  epoch: number,
): Readonly<Record<string, number>> {
  const { crossEntropy } = loss;
  const weights = [
    ...(everCounts(crossEntropy) ? [['crossEntropy', crossEntropy]] : []),
    ...weightedTerms({ loss }).map((term) => [term.name, term.params.weight]),
  ] as [string, Weight][];
  return Object.fromEntries(
    weights.map(([name, weight]) => [name, weightAt(weight, epoch)]),
  );
}

/** What the services must deliver for all terms together. */
export function needsOf(experiment: Pick<Experiment, 'loss'>): Needs {
  const terms = weightedTerms(experiment);
  const outputs = terms.flatMap((t) => [...t.method.needs(t.params).teacher]);
  const [queue] = terms.flatMap(orderOf);
  const maps = terms.flatMap((t) => t.method.needs(t.params).maps ?? []);
  const [samples] = terms.flatMap(
    (t) => t.method.needs(t.params).samples ?? [],
  );
  const views = terms.flatMap((t) => t.method.needs(t.params).views ?? []);
  return {
    teacher: new Set(outputs),
    ...(queue && { queue }),
    ...(maps.length > 0 && { maps }),
    ...(samples && { samples }),
    ...(views.length > 0 && { views: mergedViews(views) }),
  };
}

/** Whether epochs of its own come before the run. */
export function hasStage({ method, params }: WeightedTerm): boolean {
  return (method.stage?.epochs(params) ?? 0) > 0;
}

/** Whether it has done its work when the run begins. */
export function isOver(term: WeightedTerm): boolean {
  return hasStage(term) && !term.method.stage!.inRun(term.params);
}

/** Whether it contrasts with the bank's memories of all samples. */
function hasMemories({ method, params }: WeightedTerm): boolean {
  return method.needs(params).samples !== undefined;
}

function readsBank(term: WeightedTerm): boolean {
  return orderOf(term).length > 0 || hasMemories(term);
}

function orderOf({ method, params }: WeightedTerm): EnqueueOrder[] {
  const { queue } = method.needs(params);
  return queue ? [queue] : [];
}
