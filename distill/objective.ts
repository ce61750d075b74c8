import * as tf from '@tensorflow/tfjs-core';
import { rngFrom } from './data/rng.js';
import { needsOf, weightedTerms, type Experiment } from './experiment.js';
import { crossEntropy } from './losses/cross-entropy.js';
import { methods, type MethodName } from './methods/index.js';
import type {
  Dims,
  MapKind,
  Method,
  MethodInputs,
  MethodState,
  Side,
  TeacherTensors,
  ViewTensors,
} from './methods/method.js';
import type { Network } from './models/network.js';
import { withoutPrefix, withPrefix } from './prefixes.js';
import {
  mapInputs,
  memoryOf,
  outputInputs,
  sides,
  weightInput,
} from './step-inputs.js';
import type { HostTensor, NamedHostTensors, NamedTensors } from './tensors.js';
import { viewName, viewsOf, type ViewNeed } from './views.js';
import type { Weight } from './weight-schedule.js';

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

/** The output with the embeddings for that memory. */
export function rememberedOf(side: Side): string {
  return `remembered.${side}`;
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
  const views = lookAtViews(
    network,
    weights,
    { ...state, ...student.buffers },
    inputs,
  );
  const buffers: Record<string, tf.Tensor> = {
    ...student.buffers,
    ...views.buffers,
  };
  const measurements: Record<string, tf.Tensor> = {
    crossEntropy: supervised,
    correct: countCorrect(student.logits, labels),
  };
  const remembered: Record<string, tf.Tensor> = {};
  for (const { name, method, params } of weightedTerms({ loss: weights })) {
    const own = withoutPrefix(name, state);
    const methodState = { trainable: own, buffers: own };
    const seen = viewsFor(method.needs(params).views, views.seen);
    const given = { ...methodInputs, ...(seen && { views: seen }) };
    const term = method.loss(given, methodState, params);
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
  /** At their indices; holes where the terms need none. */
  const mapsOf = (kind: MapKind) =>
    Object.assign([] as tf.Tensor4D[], withoutPrefix(mapInputs[kind], inputs));
  const queue = inputs['queue'] as tf.Tensor2D | undefined;
  const contrast = inputs['contrast'] as tf.Tensor2D | undefined;
  const memory = (side: Side) => inputs[memoryOf(side)] as tf.Tensor2D;
  return {
    teacher: {
      ...pooledOf(inputs),
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

function pooledOf(inputs: NamedTensors): TeacherTensors {
  const present = Object.entries(outputInputs).flatMap(([output, name]) =>
    inputs[name] ? [[output, inputs[name]] as const] : [],
  );
  return Object.fromEntries(present);
}

/** Further views by their names, and the buffers that they leave behind. */
interface SeenViews {
  readonly seen: Readonly<Record<string, ViewTensors>>;
  readonly buffers: NamedTensors;
}

/** Both networks on each further view; the student's forwards one by one. */
function lookAtViews(
  network: Network,
  loss: Experiment['loss'],
  state: NamedTensors,
  inputs: NamedTensors,
): SeenViews {
  const seen: Record<string, ViewTensors> = {};
  let buffers: NamedTensors = {};
  for (const view of (needsOf({ loss }).views ?? []).flatMap(viewsOf)) {
    const own = withoutPrefix(viewName(view), inputs);
    const images = own['images'] as tf.Tensor4D;
    const student = network.forward({ ...state, ...buffers }, images, 'train');
    seen[viewName(view)] = { student, teacher: pooledOf(own) };
    buffers = { ...buffers, ...student.buffers };
  }
  return { seen, buffers };
}

function viewsFor(
  needs: readonly ViewNeed[] | undefined,
  seen: SeenViews['seen'],
): ViewTensors[] | undefined {
  return needs?.flatMap(viewsOf).map((view) => seen[viewName(view)]!);
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
