import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Rng } from '../data/rng.js';
import type { NetworkOutput } from '../models/network.js';
import type { NamedHostTensors, NamedTensors } from '../tensors.js';
import type { ViewNeed } from '../views.js';
import { type Weight, weightSchema } from '../weight-schedule.js';

/**
 * One distillation method: a term of the run's loss, in one file.
 *
 * Adding one is adding a file here and a line in index.ts; no service changes.
 * `loss` must be traceable (see Program): no values read, no draws made.
 */
export interface Method<Params extends Weighted = Weighted> {
  readonly name: string;
  /**
   * Parameters and their defaults, as they stand in an experiment's YAML: a
   * strict object with `weight`. Parsing its own result changes nothing.
   */
  readonly params: z.ZodType<Params>;
  /** What the term reads besides the student's own outputs. */
  needs(params: Params): Needs;
  /** Fresh trainable heads and buffers; both may be empty. */
  init(dims: Dims, params: Params, rng: Rng): MethodState<NamedHostTensors>;
  loss(
    inputs: MethodInputs,
    state: MethodState<NamedTensors>,
    params: Params,
  ): MethodLoss;
  /** What the method trains by itself before the run, if anything. */
  readonly stage?: Stage<Params>;
}

/** Epochs before the run, with a loss of their own. */
export interface Stage<Params extends Weighted = Weighted> {
  /** 0: there is no stage. */
  epochs(params: Params): number;
  /** Constant; undefined: the rate that the run begins with. */
  learningRate(params: Params): number | undefined;
  /** Whether the student learns, in train mode; else it is not run. */
  readonly student: boolean;
  /** Of the method's heads and buffers, those that learn. */
  learns(tensor: string): boolean;
  /** Whether the term counts in the run as well. */
  inRun(params: Params): boolean;
  loss(
    inputs: StageInputs,
    state: MethodState<NamedTensors>,
    params: Params,
  ): MethodLoss;
}

/** What every method's parameters have. */
export interface Weighted {
  /**
   * The factor of the term in the run's loss, which may change from epoch to
   * epoch; 0 leaves the term out.
   */
  readonly weight: Weight;
}

/** The schema of `Weighted.weight`, with the factor that papers use. */
export const weightOf = (usual: number) => weightSchema.default(usual);

export const weight = weightOf(1);

/** The schema of a stage's length, with the epochs of the reference code. */
export const stageEpochs = z.number().int().min(0).max(10_000).default(30);

/** The schema of a stage's rate. */
export const stageLearningRate = z.number().positive();

/** What the services must deliver for a method. */
export interface Needs {
  /** Outputs of the teacher for the batch. */
  readonly teacher: ReadonlySet<TeacherOutput>;
  /** A bank queue, read before or after the step's own rows are in it. */
  readonly queue?: EnqueueOrder;
  /** Intermediate activations of the teacher. */
  readonly maps?: readonly MapNeed[];
  /** The bank's memories of all samples, and samples to contrast with. */
  readonly samples?: SampleNeeds;
  /** Views of the batch besides the step's own; the stage gets none. */
  readonly views?: readonly ViewNeed[];
}

export interface SampleNeeds {
  /** Samples drawn per sample of the batch, besides its positive (K). */
  readonly negatives: number;
  /** Share of the old row when a memory is moved. */
  readonly momentum: number;
}

/** Whose embeddings a memory has. */
export type Side = 'student' | 'teacher';

/** What the memories are moved towards: the batch's embeddings. [N, featDim] */
export type Remembered = Readonly<Record<Side, tf.Tensor2D>>;

/** Activations behind a stage's last ReLU, or in front of it. */
export type MapKind = 'maps' | 'preactivations';

export interface MapNeed {
  readonly kind: MapKind;
  /**
   * A map's index, the stem's is 0 and negative ones count from the end; or all
   * of them; or `stages`, all but the stem's.
   */
  readonly which: 'all' | 'stages' | number;
}

/** One of the teacher's maps. */
export type MapName = `${MapKind}.${number}`;

/** Height, width and channels of a map. */
export type MapShape = readonly [number, number, number];

export type TeacherOutput = 'features' | 'logits' | 'embeddings';

/** Anything that a step reads of the teacher, for the batch. */
export type TeacherTensor = TeacherOutput | MapName;

/**
 * `before`: step t is computed on the queue after its own commit, so each
 * sample's own teacher embedding is in it (the reference since 2025).
 * `after`: on the queue as the previous step left it (the 2024 code).
 */
export type EnqueueOrder = 'before' | 'after';

/** Sizes that heads depend on. */
export interface Dims {
  readonly studentFeatureDim: number;
  readonly teacherFeatureDim: number;
  readonly classCount: number;
  /** Width of the embeddings (d). */
  readonly featDim: number;
  /** Rows of a queue (K). */
  readonly capacity: number;
  /** Size of the train split; 0 unless a term has a memory of all samples. */
  readonly sampleCount: number;
  /** Shapes of the maps, in order; empty unless a term reads maps. */
  readonly studentMaps: readonly MapShape[];
  readonly teacherMaps: readonly MapShape[];
}

export interface MethodState<Tensors> {
  /** Heads, trained by the run's optimiser together with the student. */
  readonly trainable: Tensors;
  /** Carried along, not trained. */
  readonly buffers: Tensors;
}

/** Outputs of the teacher; never carry a gradient. */
export interface TeacherTensors {
  readonly features?: tf.Tensor2D; // [N, teacherFeatureDim]
  readonly logits?: tf.Tensor2D; // [N, classCount]
  readonly embeddings?: tf.Tensor2D; // [N, featDim]
}

export interface MethodInputs {
  readonly student: NetworkOutput;
  /** Only what `needs` names is there. */
  readonly teacher: TeacherTensors & {
    readonly maps?: readonly tf.Tensor4D[]; // [N, H, W, C]
    readonly preactivations?: readonly tf.Tensor4D[]; // [N, H, W, C]
  };
  readonly labels: tf.Tensor1D; // int32 [N]
  /** The bank's rows at the step's version, a constant. [K, featDim] */
  readonly queue?: tf.Tensor2D;
  readonly samples?: {
    /**
     * Numbers in the train split: column 0 is a positive, the others negatives.
     * int32 [N, 1 + K]
     */
    readonly contrast: tf.Tensor2D;
    /** At the step's version, constants. [sampleCount, featDim] */
    readonly memories: Readonly<Record<Side, tf.Tensor2D>>;
  };
  /** Of each view that `needs` names, in that order. */
  readonly views?: readonly ViewTensors[];
}

/** Both networks on a further view of the batch. */
export interface ViewTensors {
  /** In train mode, after the forwards before it, as one network sees them. */
  readonly student: NetworkOutput;
  readonly teacher: TeacherTensors;
}

/** As of a step; without the student where the stage does not run it. */
export interface StageInputs extends Omit<MethodInputs, 'student' | 'views'> {
  readonly student?: NetworkOutput;
}

export interface MethodLoss {
  readonly loss: tf.Scalar;
  /** New values of the method's buffers, if any changed. */
  readonly buffers?: NamedTensors;
  /** Scalars worth a curve, by name. */
  readonly measurements?: NamedTensors;
  /** Where `needs` names samples: for the bank's memories, once it counts. */
  readonly remembered?: Remembered;
}
