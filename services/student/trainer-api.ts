import type { ImageShape, Split } from '#distill/data/dataset.js';
import type { Experiment } from '#distill/experiment.js';
import type { MapShape, Side, TeacherTensor } from '#distill/methods/method.js';
import type { QueueUpdate, QueueSnapshot } from '#distill/queue.js';
import type { HostTensor } from '#distill/tensors.js';
import type { FurtherView } from '#distill/views.js';
import type { EngineChoice, EngineName } from '#runtime/compute/engine.js';
import type { SharedDataset } from '#runtime/data/shared.js';
import type { Share } from './group/shares.js';
import type { TrainingState } from './group/state-codec.js';
import type { RankBuffers, RankPart } from './rank-step.js';

/**
 * What the trainer asks of its thread. The thread computes and touches the
 * disk; the trainer speaks to peers. Calls that compute must not overlap.
 */
export type TrainerApi = {
  /** First call: opens data set and engine. */
  open(settings: ThreadSettings): Promise<ThreadFacts>;
  /** Reads a run's newest checkpoint; undefined if there is none. */
  findCheckpoint(runLocation: string): Promise<ResumePoint | undefined>;
  /** Builds the network, from the checkpoint if one was found. */
  begin(teacher: TeacherFacts | undefined): Promise<void>;
  /** Sets the mirrors' rows; the bank's snapshots are the truth. */
  mirror(snapshots: MirroredRows): Promise<void>;
  /** A whole step, of a run of one rank. */
  step(inputs: RankInputs): Promise<StepResult>;
  /** Of several ranks: the first half of a step, for one of them. */
  gradients(inputs: RankInputs): Promise<RankGradients>;
  /** The second half, once the mean over all ranks is known. */
  apply(inputs: ApplyInputs): Promise<StepMeasurements>;
  /** After a step: what the bank has moved in the memories of all samples. */
  remember(moved: BySide<MovedRows>): Promise<void>;
  /** Before a checkpoint: commits that the queue lacks. */
  follow(commits: readonly QueueUpdate[]): Promise<void>;
  /** Everything that the training carries from one step to the next. */
  readTraining(): Promise<TrainingState>;
  /** Goes on from there, whatever was computed of a step. */
  writeTraining(state: TrainingState): Promise<void>;
  /** SHA-256 of all weights and their momentum, in hex. */
  digest(): Promise<string>;
  /** Views of a batch, for a teacher that does not hold the data set. */
  pixels(batch: BatchRef): Promise<Pixels>;
  /** What the teacher says about the test split; for `agreementWithTeacher`. */
  teach(first: number, logits: HostTensor): Promise<void>;
  /** Rank 0's buffers, a safetensors file: evaluations are by them. */
  readStatistics(): Promise<Uint8Array>;
  /**
   * The classes found for samples of the test split.
   * @param statistics where rank 0 is computed elsewhere
   */
  classify(share: Share, statistics?: Uint8Array): Promise<Int32Array>;
  /** @param classes of the whole test split */
  measure(classes: Int32Array): Promise<Evaluation>;
  /** Copies everything that a checkpoint has, as it is now. */
  capture(request: SaveRequest): Promise<void>;
  /**
   * Writes the checkpoint that was captured and removes old ones, while steps
   * go on; returns where it is.
   */
  save(): Promise<string>;
};

export interface ThreadSettings {
  readonly experiment: Experiment;
  readonly engine: EngineChoice;
  readonly dataset: SharedDataset;
}

export interface ThreadFacts {
  readonly engine: EngineName;
  /** Library and version. */
  readonly engineVersion: string;
  readonly datasetDigest: string;
  readonly imageShape: ImageShape;
  readonly classCount: number;
  readonly trainSize: number;
  readonly testSize: number;
  /** Of the training split, if it lies in shards. */
  readonly shardSizes: readonly number[] | undefined;
}

export interface TeacherFacts {
  readonly digest: string;
  readonly featureDim: number;
  /** Empty unless a term reads maps. */
  readonly mapShapes: readonly MapShape[];
}

/** Samples by name, and the views of them. */
export interface BatchRef {
  readonly split: Split;
  readonly indices: readonly number[];
  /** The stored images if undefined, else the views of that epoch. */
  readonly epoch: number | undefined;
  /** One of the batch's further views instead, as drawn for an epoch. */
  readonly view?: FurtherView & { readonly epoch: number };
}

export interface Pixels {
  /** [N, height, width, 3] */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Outputs of the teacher for a batch: only those that were asked for. */
export type TeacherOutputs = Readonly<
  Partial<Record<TeacherTensor, HostTensor>>
>;

/** Everything a rank's step needs that the thread does not have. */
export interface RankInputs {
  /** From 0. */
  readonly step: number;
  readonly rank: number;
  readonly teacher: TeacherOutputs;
  /** For the further views, by their names. */
  readonly views: Readonly<Record<string, TeacherOutputs>>;
  /** What the bank committed that the queue may lack. */
  readonly committed?: readonly QueueUpdate[];
}

export type BySide<T> = Readonly<Record<Side, T>>;

/** The bank's rows that a step reads, each where the run has it. */
export interface MirroredRows {
  readonly queue?: QueueSnapshot;
  readonly memories?: BySide<QueueSnapshot>;
}

/** A rank's embeddings for the memories of all samples. */
export interface Remembered extends BySide<HostTensor> {
  /** Whose they are. */
  readonly samples: readonly number[];
}

/** Rows of a memory of all samples, at their new places. */
export interface MovedRows {
  readonly rows: Float32Array;
  readonly slots: readonly number[];
}

/** What a rank has computed of a step. */
export interface RankGradients extends RankPart {
  readonly remembered?: Remembered;
}

export interface StepResult {
  readonly measured: StepMeasurements;
  readonly remembered?: Remembered;
}

export interface ApplyInputs {
  readonly step: number;
  /** Of the vectors of all ranks. */
  readonly mean: Float32Array;
  /** Of the ranks that were computed elsewhere. */
  readonly elsewhere: readonly RankBuffers[];
}

export interface StepMeasurements {
  readonly loss: number;
  /** Weighted terms of the loss by name. */
  readonly lossTerms: Readonly<Record<string, number>>;
  /** Whatever else the methods measure. */
  readonly measurements: Readonly<Record<string, number>>;
  readonly learningRate: number;
}

/** Fractions of the test split. */
export interface Evaluation {
  readonly testAccuracy: number;
  readonly agreementWithTeacher?: number;
}

/** What a run has found and used so far; goes on across a resume. */
export interface Tally {
  /** The newest one. */
  readonly evaluation?: Evaluation;
  readonly bestTestAccuracy: number;
  readonly teacherBytes: number;
  readonly bankBytes: number;
}

export interface SaveRequest {
  /** Below it are the run's checkpoints: a folder, or a prefix in a bucket. */
  readonly runLocation: string;
  readonly keep: number;
  readonly runId: string;
  /** Steps taken so far: the step to go on with. */
  readonly step: number;
  readonly tally: Tally;
}

/** Where a checkpoint says to go on. */
export interface ResumePoint {
  readonly location: string;
  readonly step: number;
  readonly experiment: unknown;
  readonly tally: Tally;
  readonly teacherDigest: string | undefined;
  readonly engine: string;
  readonly queue: QueueSnapshot | undefined;
  readonly memories: BySide<QueueSnapshot> | undefined;
}
