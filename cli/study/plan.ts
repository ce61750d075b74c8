import { z } from 'zod';
import {
  type Experiment,
  experimentFields,
  experimentSchema,
} from '#distill/experiment.js';

/**
 * A study: every method on every pair of networks with every seed, and one
 * teacher for each network that teaches. One YAML file in configs/studies/.
 */

const { shape } = experimentFields;
const network = shape.student.shape.network;
const recipe = shape.training.omit({ seed: true });
const { seed } = shape.training.shape;

const fields = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,23}$/i),
  dataset: shape.dataset,
  pairs: z
    .array(
      z.strictObject({
        teacher: network,
        student: network,
        /** Of this student, instead of the one in `training`. */
        learningRate: z.number().positive().optional(),
      }),
    )
    .min(1)
    .max(64),
  /** The loss of each method, as an experiment has it, by the method's name. */
  methods: z.record(z.string(), shape.loss),
  /** One run of each pair and method with each. */
  seeds: z.array(seed.unwrap()).min(1).max(64),
  /** How students are trained; the seeds are the study's. */
  training: recipe,
  teachers: z
    .strictObject({
      seed,
      /** How teachers are trained: as students, unless it says otherwise. */
      training: recipe.optional(),
    })
    .prefault({}),
  bank: shape.bank,
});

export const studySchema = fields.superRefine((study, context) => {
  const refuse = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const names = Object.keys(study.methods);
  if (names.length === 0) refuse(['methods'], 'at least one method');
  for (const name of names) {
    if (!methodName.test(name))
      refuse(['methods', name], 'a method named by letters, digits and +');
    const { success, error } = experimentSchema.safeParse(
      studentExperiment(study, study.pairs[0]!, name, study.seeds[0]!),
    );
    // Loss terms are at fault: every other field was looked at before.
    if (success || !methodName.test(name)) continue;
    const { path, message } = error.issues[0]!;
    refuse(['methods', name, ...path.slice(1)], message);
  }
  refuseRepeats(study.seeds, 'seeds', refuse);
  refuseRepeats(study.pairs.map(pairName), 'pairs', refuse);
  if (planOf(study).students.some(({ runId }) => runId.length > 64))
    refuse(['name'], 'names that make run ids of at most 64 characters');
});

export type Study = z.infer<typeof fields>;
export type Pair = Study['pairs'][number];

/** `rrd+kd`; a plus sign becomes a dash in run ids, so there is no dash. */
const methodName = /^[a-z0-9]+(\+[a-z0-9]+)*$/i;

function refuseRepeats(
  values: readonly unknown[],
  field: string,
  refuse: (path: PropertyKey[], message: string) => void,
): void {
  const repeated = values.findIndex((value, i) => values.indexOf(value) < i);
  if (repeated >= 0) refuse([field, repeated], 'an entry that is there once');
}

export interface PlannedRun {
  /** Of its folder, of its kept result, and for the orchestrator. */
  readonly runId: string;
  readonly experiment: Experiment;
}

export interface PlannedTeacher extends PlannedRun {
  /** The network, and the name that it is served under. */
  readonly model: string;
}

export interface PlannedStudent extends PlannedRun {
  readonly pair: Pair;
  readonly method: string;
  readonly seed: number;
}

export interface Plan {
  readonly teachers: readonly PlannedTeacher[];
  /** Seed by seed, so that a study cut short compares all methods alike. */
  readonly students: readonly PlannedStudent[];
}

/** All runs of a study, each once. */
export function planOf(study: Study): Plan {
  const { name, pairs, seeds, methods } = study;
  const models = [...new Set(pairs.map(({ teacher }) => teacher))];
  const teachers = models.map((model) => ({
    ...{ model, runId: `${name}-teacher-${model}` },
    experiment: teacherExperiment(study, model),
  }));
  const students = seeds.flatMap((seed) =>
    pairs.flatMap((pair) =>
      Object.keys(methods).map((method) => ({
        ...{ pair, method, seed },
        runId: `${labelOf(study, pair, method)}-${seed}`,
        experiment: studentExperiment(study, pair, method, seed),
      })),
    ),
  );
  return { teachers, students };
}

/** `resnet56-resnet20`: teacher, student. */
export function pairName({ teacher, student }: Pair): string {
  return `${teacher}-${student}`;
}

function labelOf({ name }: Study, pair: Pair, method: string): string {
  return `${name}-${method.replaceAll('+', '-')}-${pairName(pair)}`;
}

function teacherExperiment(
  { name, dataset, bank, training, teachers }: Study,
  network: Pair['teacher'],
): Experiment {
  return {
    ...{ name: `${name}-teacher`, dataset, student: { network }, bank },
    loss: { crossEntropy: 1 },
    training: { ...(teachers.training ?? training), seed: teachers.seed },
    ...sameForAll,
  };
}

function studentExperiment(
  { name, dataset, bank, methods, training }: Study,
  { teacher, student, learningRate = training.learningRate }: Pair,
  method: string,
  seed: number,
): Experiment {
  return {
    ...{ name: `${name}-${method}`, dataset, student: { network: student } },
    // Plain training has one too, to measure how far it agrees with it.
    teacher: { model: teacher, mapPrecision: 'float32' },
    ...{ loss: methods[method]!, bank },
    training: { ...training, learningRate, seed },
    ...sameForAll,
  };
}

const sameForAll = {
  ranks: 1,
  workers: 1,
  gradientPrecision: 'float32',
  prefetch: 4,
  engine: 'auto',
  gpuMemoryGiB: 0,
} as const;
