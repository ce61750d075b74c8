import type * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './data/dataset.js';
import { rngFrom } from './data/rng.js';
import { needsOf, type Experiment } from './experiment.js';
import { mapShapesOf } from './map-shapes.js';
import type { Dims, MapShape } from './methods/method.js';
import type { Network } from './models/network.js';
import { initHeads, teacherSpecs } from './objective.js';
import type { Program } from './program.js';
import { bufferOf, inputsOf, reduceRanks, stateOf } from './ranks.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
  TensorSpec,
} from './tensors.js';
import { applyGradients, gradients, momentumOf } from './train-step.js';

export interface TrainProgramOptions {
  readonly network: Network;
  /** Read: `ranks`, `loss`, `bank.{capacity,featDim}`, `training.{batchSize,momentum,weightDecay}`. */
  readonly experiment: {
    /** 1 if left out. */
    readonly ranks?: Experiment['ranks'];
    readonly loss: Experiment['loss'];
    readonly bank: Pick<Experiment['bank'], 'capacity' | 'featDim'>;
    readonly training: Pick<
      Experiment['training'],
      'batchSize' | 'momentum' | 'weightDecay'
    >;
  };
  readonly imageShape: ImageShape;
  /** Width of the teacher's features; 0 if there is no teacher. */
  readonly teacherFeatureDim: number;
  /** For terms that read the teacher's maps. */
  readonly teacherMaps?: readonly MapShape[];
  /** For terms with a memory of all samples: the size of the train split. */
  readonly sampleCount?: number;
}

export interface TrainProgram {
  /**
   * One training step.
   *
   * State: the network's tensors by their torch names, the methods' under
   * their own (`rrd.embed.weight`), `momentum.<name>` of all trainable ones,
   * and `rank1.<name>`, ... of the buffers of ranks above 0.
   * Inputs (B = ranks * batchSize, rank 0's samples first): `images` float32
   * [B, H, W, C] normalised, `labels` int32 [B],
   * `learningRate` float32 [], and as the loss needs `teacherFeatures`,
   * `teacherLogits`, `teacherEmbeddings` [B, width], `queue` [K, featDim],
   * `teacherMaps.<i>` and `teacherPreactivations.<i>` [B, H, W, C] of those
   * maps that the terms need, `samples`
   * int32 [B] and `contrast` int32 [B, 1 + negatives].
   * Outputs: scalars, see `Evaluated.measurements`, and `loss`; of several
   * ranks, their means.
   */
  readonly program: Program;
  /** The state before the first step. */
  readonly initialState: (seed: number) => NamedHostTensors;
}

export function createTrainProgram({
  network,
  experiment,
  imageShape,
  teacherFeatureDim,
  teacherMaps = [],
  sampleCount = 0,
}: TrainProgramOptions): TrainProgram {
  const { ranks = 1, loss, bank, training } = experiment;
  const batchSize = ranks * training.batchSize;
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
  const names = Object.keys(trainable);
  const buffers = { ...network.buffers, ...specsOf(heads.buffers) };
  const bufferNames = Object.keys(buffers);
  const program: Program = {
    name: `train ${network.name}`,
    state: {
      ...trainable,
      ...ofRanks(ranks, buffers),
      ...renamed(trainable, momentumOf),
    },
    inputs: {
      images: float32(batchSize, ...imageShape),
      labels: { shape: [batchSize], dataType: 'int32' },
      learningRate: float32(),
      ...teacherSpecs(loss, dims, batchSize),
    },
    run(state, inputs) {
      const steps = Array.from({ length: ranks }, (_, rank) =>
        gradients(
          { network, loss },
          names,
          stateOf(rank, state, bufferNames),
          inputsOf(rank, ranks, inputs),
        ),
      );
      const step = reduceRanks(steps);
      const rate = inputs['learningRate'] as tf.Scalar;
      const updated = applyGradients(step, state, rate, training);
      return { state: updated, outputs: step.measurements };
    },
  };
  const initialState = (seed: number): NamedHostTensors => {
    const { trainable, buffers } = initHeads(loss, dims, seed);
    const weights = {
      ...network.init(rngFrom(seed, 'weights')),
      ...trainable,
      ...buffers,
    };
    const own = bufferNames.map((name) => [name, weights[name]!] as const);
    const momentum = Object.fromEntries(
      names.map((name) => [momentumOf(name), zerosLike(weights[name]!)]),
    );
    return {
      ...weights,
      ...ofRanks(ranks, Object.fromEntries(own)),
      ...momentum,
    };
  };
  return { program, initialState };
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

function renamed<T>(
  record: Readonly<Record<string, T>>,
  rename: (name: string) => string,
): Record<string, T> {
  const entries = Object.entries(record);
  return Object.fromEntries(
    entries.map(([name, value]) => [rename(name), value]),
  );
}

function zerosLike({ shape, data }: HostTensor): HostTensor {
  return { shape, data: new Float32Array(data.length) };
}
