import * as tf from '@tensorflow/tfjs-core';
import { needsOf, weightedTerms, type Experiment } from './experiment.js';
import { isMapName, mapNamesOf, partsOf } from './map-names.js';
import { crossEntropy } from './losses/cross-entropy.js';
import { methods, type MethodName } from './methods/index.js';
import type {
  Dims,
  MapKind,
  Method,
  MethodInputs,
  MethodState,
  Side,
  TeacherOutput,
  TeacherTensor,
} from './methods/method.js';
import { shapeAt } from './methods/maps.js';
import type { Network } from './models/network.js';
import { rngFrom } from './data/rng.js';
import type { Weight } from './weight-schedule.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
  NamedTensors,
  TensorSpec,
} from './tensors.js';

/** What a student minimises: its network and the terms of its loss. */
export interface Objective {
  readonly network: Network;
  readonly loss: Experiment['loss'];
}

export interface Evaluated {
  readonly loss: tf.Scalar;
  /** New values of the network's and the methods' buffers. */
  readonly buffers: NamedTensors;
  /**
   * Scalars by name: `crossEntropy`, each term before its weight (`rrd`), what
   * a method measures besides (`rrd.kl`), and how many samples the student got
   * right (`correct`).
   */
  readonly measurements: NamedTensors;
  /** By `rememberedOf`: what the memories of all samples are moved towards. */
  readonly remembered: NamedTensors;
}

export const sides: readonly Side[] = ['student', 'teacher'];

/** The input with a memory of all samples. */
export function memoryOf(side: Side): string {
  return `memory.${side}`;
}

/** The output with the embeddings for that memory. */
export function rememberedOf(side: Side): string {
  return `remembered.${side}`;
}

const outputInputs = {
  features: 'teacherFeatures',
  logits: 'teacherLogits',
  embeddings: 'teacherEmbeddings',
} as const satisfies Record<TeacherOutput, string>;

const mapInputs = {
  maps: 'teacherMaps',
  preactivations: 'teacherPreactivations',
} as const satisfies Record<MapKind, string>;

/** The input with the weight of a term that has a schedule. */
export function weightInput(term: string): string {
  return `weight.${term}`;
}

/** The name of a program's input that carries something of the teacher. */
export function teacherInput(tensor: TeacherTensor): string {
  if (!isMapName(tensor)) return outputInputs[tensor];
  const { kind, index } = partsOf(tensor);
  return `${mapInputs[kind]}.${index}`;
}

/**
 * L = gamma CE + the weighted terms, for one batch.
 *
 * @param state the network's tensors, and each method's under its name, e.g.
 *   `rrd.embed.weight`
 * @param inputs `images`, `labels`, and what the terms need
 */
export function evaluate(
  { network, loss: weights }: Objective,
  state: NamedTensors,
  inputs: NamedTensors,
): Evaluated {
  const images = inputs['images'] as tf.Tensor4D;
  const labels = inputs['labels'] as tf.Tensor1D;
  const student = network.forward(state, images, 'train');
  const methodInputs = { ...methodInputsOf(inputs), student, labels };
  // At weight 0 too: the classifier then gets a zero gradient, not none.
  const supervised = crossEntropy(student.logits, labels);
  const weighted = (term: string, value: tf.Scalar, weight: Weight) =>
    tf.mul<tf.Scalar>(value, factorOf(term, weight, inputs));
  let loss = weighted('crossEntropy', supervised, weights.crossEntropy);
  const buffers: Record<string, tf.Tensor> = { ...student.buffers };
  const measurements: Record<string, tf.Tensor> = {
    crossEntropy: supervised,
    correct: countCorrect(student.logits, labels),
  };
  const remembered: Record<string, tf.Tensor> = {};
  for (const { name, method, params } of weightedTerms({ loss: weights })) {
    const own = withoutPrefix(name, state);
    const methodState = { trainable: own, buffers: own };
    const term = method.loss(methodInputs, methodState, params);
    loss = tf.add(loss, weighted(name, term.loss, params.weight));
    measurements[name] = term.loss;
    Object.assign(measurements, withPrefix(name, term.measurements ?? {}));
    Object.assign(buffers, withPrefix(name, term.buffers ?? {}));
    for (const side of sides) {
      const embeddings = term.remembered?.[side];
      if (embeddings) remembered[rememberedOf(side)] = embeddings;
    }
  }
  return { loss, buffers, measurements, remembered };
}

/**
 * The loss of a method's stage, for one batch.
 * @param state as for `evaluate`
 */
export function evaluateStage(
  { network, loss }: Objective,
  name: MethodName,
  state: NamedTensors,
  inputs: NamedTensors,
): Evaluated {
  const method: Method = methods[name];
  const stage = method.stage!;
  const images = inputs['images'] as tf.Tensor4D;
  const labels = inputs['labels'] as tf.Tensor1D;
  const student = stage.student
    ? network.forward(state, images, 'train')
    : undefined;
  const own = withoutPrefix(name, state);
  const term = stage.loss(
    { ...methodInputsOf(inputs), labels, ...(student && { student }) },
    { trainable: own, buffers: own },
    loss[name]!,
  );
  return {
    loss: term.loss,
    buffers: { ...student?.buffers, ...withPrefix(name, term.buffers ?? {}) },
    measurements: { [name]: term.loss },
    remembered: {},
  };
}

/** What a term is multiplied by: known now, or only when the step is taken. */
function factorOf(
  term: string,
  weight: Weight,
  inputs: NamedTensors,
): number | tf.Scalar {
  if (typeof weight === 'number') return weight;
  return inputs[weightInput(term)] as tf.Scalar;
}

function countCorrect(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor {
  const hits = tf.equal(tf.argMax(logits, 1), labels); // [N]
  return tf.sum(tf.cast(hits, 'float32'));
}

function methodInputsOf(
  inputs: NamedTensors,
): Pick<MethodInputs, 'teacher' | 'queue' | 'samples'> {
  const present = Object.entries(outputInputs).flatMap(([output, name]) =>
    inputs[name] ? [[output, inputs[name]] as const] : [],
  );
  /** At their indices; holes where the terms need none. */
  const mapsOf = (kind: MapKind) =>
    Object.assign([] as tf.Tensor4D[], withoutPrefix(mapInputs[kind], inputs));
  const queue = inputs['queue'] as tf.Tensor2D | undefined;
  const contrast = inputs['contrast'] as tf.Tensor2D | undefined;
  const memory = (side: Side) => inputs[memoryOf(side)] as tf.Tensor2D;
  return {
    teacher: {
      ...Object.fromEntries(present),
      maps: mapsOf('maps'),
      preactivations: mapsOf('preactivations'),
    },
    ...(queue && { queue }),
    ...(contrast && {
      samples: {
        contrast,
        memories: { student: memory('student'), teacher: memory('teacher') },
      },
    }),
  };
}

/** Fresh heads and buffers of all terms, under the names that states use. */
export function initHeads(
  loss: Experiment['loss'],
  dims: Dims,
  seed: number,
): MethodState<NamedHostTensors> {
  const trainable: Record<string, HostTensor> = {};
  const buffers: Record<string, HostTensor> = {};
  for (const { name, method, params } of weightedTerms({ loss })) {
    const own = method.init(dims, params, rngFrom(seed, 'head', name));
    Object.assign(trainable, withPrefix(name, own.trainable));
    Object.assign(buffers, withPrefix(name, own.buffers));
  }
  return { trainable, buffers };
}

/** Inputs for the weights that have a schedule. */
export function weightSpecs(loss: Experiment['loss']): NamedSpecs {
  return Object.fromEntries(
    scheduledTerms(loss).map((term) => [weightInput(term), float32([])]),
  );
}

/** @param weights of an epoch, see `weightsAt` */
export function weightTensors(
  loss: Experiment['loss'],
  weights: Readonly<Record<string, number>>,
): NamedHostTensors {
  return Object.fromEntries(
    scheduledTerms(loss).map((term) => {
      const data = Float32Array.of(weights[term]!);
      return [weightInput(term), { shape: [], data }];
    }),
  );
}

function scheduledTerms(loss: Experiment['loss']): string[] {
  const terms = weightedTerms({ loss }).map(
    ({ name, params }) => [name, params.weight] as const,
  );
  const all = [['crossEntropy', loss.crossEntropy] as const, ...terms];
  return all.flatMap(([name, weight]) =>
    typeof weight === 'number' ? [] : [name],
  );
}

/** Inputs of a training step besides images, labels and weights. */
export function teacherSpecs(
  loss: Experiment['loss'],
  dims: Dims,
  batchSize: number,
): NamedSpecs {
  const widths: Record<TeacherOutput, number> = {
    features: dims.teacherFeatureDim,
    logits: dims.classCount,
    embeddings: dims.featDim,
  };
  const needs = needsOf({ loss });
  const memory = float32([dims.sampleCount, dims.featDim]);
  const specs = [...needs.teacher].map((output) => {
    const shape = [batchSize, widths[output]];
    return [teacherInput(output), float32(shape)] as const;
  });
  const maps = [...mapNamesOf(needs, dims.teacherMaps.length)].map((name) => {
    const shape = shapeAt(dims.teacherMaps, partsOf(name).index);
    return [teacherInput(name), float32([batchSize, ...shape])] as const;
  });
  return {
    ...Object.fromEntries([...specs, ...maps]),
    ...(needs.queue && { queue: float32([dims.capacity, dims.featDim]) }),
    ...(needs.samples && {
      contrast: int32([batchSize, 1 + needs.samples.negatives]),
      ...Object.fromEntries(sides.map((side) => [memoryOf(side), memory])),
    }),
  };
}

function float32(shape: readonly number[]): TensorSpec {
  return { shape, dataType: 'float32' };
}

function int32(shape: readonly number[]): TensorSpec {
  return { shape, dataType: 'int32' };
}

function withPrefix<T>(
  name: string,
  tensors: Readonly<Record<string, T>>,
): Record<string, T> {
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.map(([key, t]) => [`${name}.${key}`, t]));
}

function withoutPrefix<T>(
  name: string,
  tensors: Readonly<Record<string, T>>,
): Record<string, T> {
  const prefix = `${name}.`;
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
  );
}
