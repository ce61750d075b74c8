import type * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './data/dataset.js';
import { rngFrom } from './data/rng.js';
import { needsOf, type Experiment } from './experiment.js';
import { mapShapesOf } from './map-shapes.js';
import type { Dims, MapShape } from './methods/method.js';
import type { Network } from './models/network.js';
import { initHeads } from './objective.js';
import type { Program } from './program.js';
import { bufferOf } from './ranks.js';
import { inputSpecs } from './step-inputs.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
  TensorSpec,
} from './tensors.js';
import { applyGradients, gradients, momentumOf } from './train-step.js';

export interface TrainProgramOptions {
  readonly network: Network;
  /** Read: `ranks`, `loss`, `bank.{capacity,featDim}`, `training.{batchSize,momentum,weightDecay,precision}`. */
  readonly experiment: {
    /** 1 if left out. */
    readonly ranks?: Experiment['ranks'];
    readonly loss: Experiment['loss'];
    readonly bank: Pick<Experiment['bank'], 'capacity' | 'featDim'>;
    readonly training: Pick<
      Experiment['training'],
      'batchSize' | 'momentum' | 'weightDecay'
    > & {
      readonly precision?: Experiment['training']['precision'] | undefined;
    };
  };
  readonly imageShape: ImageShape;
  /** Width of the teacher's features; 0 if there is no teacher. */
  readonly teacherFeatureDim: number;
  /** For terms that read the teacher's maps. */
  readonly teacherMaps?: readonly MapShape[];
  /** For terms with a memory of all samples: the size of the train split. */
  readonly sampleCount?: number;
}

/** What a training step reads and changes. */
export interface TrainTensors {
  /** Weights of the network and of the methods' heads. */
  readonly trainable: NamedSpecs;
  /** What a step replaces besides: running statistics, normalisers. */
  readonly buffers: NamedSpecs;
  /**
   * Of one rank (B = batchSize): `images` float32 [B, H, W, C] normalised,
   * `labels` int32 [B], and as the loss needs `teacherFeatures`,
   * `teacherLogits`, `teacherEmbeddings` [B, width], `queue` [K, featDim],
   * `teacherMaps.<i>` and `teacherPreactivations.<i>` [B, H, W, C] of those
   * maps that the terms need, `contrast` int32 [B, 1 + negatives] and
   * `memory.student`, `memory.teacher` [sampleCount, featDim]; of each further
   * view `<view>.images` and its own `<view>.teacherLogits`, ...;
   * `weight.<term>` [] of every term whose weight has a schedule.
   */
  readonly inputs: NamedSpecs;
  /**
   * The state before the first step: the network's tensors by their torch
   * names, the methods' under their own (`rrd.embed.weight`),
   * `momentum.<name>` of all trainable ones, and `rank1.<name>`, ... of the
   * buffers of ranks above 0.
   */
  readonly initialState: (seed: number) => NamedHostTensors;
}

export interface TrainProgram extends Pick<TrainTensors, 'initialState'> {
  /**
   * One training step of a single rank. State: as `initialState` names it.
   * Inputs: those of `TrainTensors`, and `learningRate` float32 [].
   * Outputs: scalars, see `Evaluated.measurements`, and `loss`; what is
   * `remembered`.
   */
  readonly program: Program;
}

/** A step in one program; several ranks need their gradients averaged first. */
export function createTrainProgram(options: TrainProgramOptions): TrainProgram {
  const { network, experiment } = options;
  const { loss, training } = experiment;
  const { trainable, buffers, inputs, initialState } = trainTensors(options);
  const names = Object.keys(trainable);
  const program: Program = {
    name: `train ${network.name}`,
    state: { ...trainable, ...buffers, ...renamed(trainable, momentumOf) },
    inputs: { ...inputs, learningRate: float32() },
    run(state, given) {
      const { precision } = training;
      const objective = { network, loss, precision };
      const step = gradients(objective, names, state, given);
      const rate = given['learningRate'] as tf.Scalar;
      const updated = applyGradients(step, state, rate, training);
      const outputs = { ...step.measurements, ...step.remembered };
      return { state: updated, outputs };
    },
  };
  return { program, initialState };
}

export function trainTensors({
  network,
  experiment,
  imageShape,
  teacherFeatureDim,
  teacherMaps = [],
  sampleCount = 0,
}: TrainProgramOptions): TrainTensors {
  const { ranks = 1, loss, bank, training } = experiment;
  const { batchSize } = training;
  const dims: Dims = {
    studentFeatureDim: network.featureDim,
    teacherFeatureDim,
    classCount: network.classCount,
    featDim: bank.featDim,
    capacity: bank.capacity,
    sampleCount,
    studentMaps: needsOf({ loss }).maps ? mapShapesOf(network, imageShape) : [],
    teacherMaps,
  };
  const heads = initHeads(loss, dims, 0);
  const trainable = { ...network.parameters, ...specsOf(heads.trainable) };
  const buffers = { ...network.buffers, ...specsOf(heads.buffers) };
  const initialState = (seed: number): NamedHostTensors => {
    const drawn = initHeads(loss, dims, seed);
    const weights = {
      ...network.init(rngFrom(seed, 'weights')),
      ...drawn.trainable,
      ...drawn.buffers,
    };
    const own = Object.keys(buffers).map((name) => [name, weights[name]!]);
    const momentum = Object.keys(trainable).map((name) => [
      momentumOf(name),
      zerosLike(weights[name]!),
    ]);
    return {
      ...weights,
      ...ofRanks(ranks, Object.fromEntries(own) as NamedHostTensors),
      ...(Object.fromEntries(momentum) as NamedHostTensors),
    };
  };
  return {
    ...{ trainable, buffers, initialState },
    inputs: inputSpecs(loss, dims, {
      images: float32(batchSize, ...imageShape),
      labels: { shape: [batchSize], dataType: 'int32' },
    }),
  };
}

/** Buffers of every rank, from those of one. */
function ofRanks<T>(
  ranks: number,
  buffers: Readonly<Record<string, T>>,
): Record<string, T> {
  const each = Array.from({ length: ranks }, (_, rank) =>
    renamed(buffers, (name) => bufferOf(rank, name)),
  );
  return Object.assign({}, ...each) as Record<string, T>;
}

function float32(...shape: number[]): TensorSpec {
  return { shape, dataType: 'float32' };
}

function specsOf(tensors: NamedHostTensors): NamedSpecs {
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
    const dataType = data instanceof Int32Array ? 'int32' : 'float32';
    return [name, { shape, dataType } as const] as const;
  });
  return Object.fromEntries(entries);
}

/** A record under other names. */
export function renamed<T>(
  record: Readonly<Record<string, T>>,
  rename: (name: string) => string,
): Record<string, T> {
  const entries = Object.entries(record);
  return Object.fromEntries(
    entries.map(([name, value]) => [rename(name), value]),
  );
}

export function zerosLike({ shape, data }: HostTensor): HostTensor {
  return { shape, data: new Float32Array(data.length) };
}
