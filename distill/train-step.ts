import * as tf from '@tensorflow/tfjs-core';
import { evaluate, type Evaluated, type Objective } from './objective.js';
import { autocast, type ConvPrecision } from './ops/autocast.js';
import { sgd, type SgdOptions } from './optimiser.js';
import type { NamedTensors } from './tensors.js';

export interface StepGradients {
  /**
   * By name of the trainable tensor. One that the loss does not depend on is
   * left out and stays as it is, without weight decay, as in torch.
   */
  readonly gradients: NamedTensors;
  readonly buffers: NamedTensors;
  /** As `Evaluated.measurements`, and `loss`. */
  readonly measurements: NamedTensors;
  /** As `Evaluated.remembered`. */
  readonly remembered: NamedTensors;
}

/**
 * The first half of a step: loss and gradients of one batch.
 * @param trainable names of the tensors of `state` to differentiate by
 */
export function gradients(
  objective: Objective & { readonly precision?: ConvPrecision | undefined },
  trainable: readonly string[],
  state: NamedTensors,
  inputs: NamedTensors,
): StepGradients {
  const { precision = 'float32' } = objective;
  return differentiate(
    () => autocast(precision, () => evaluate(objective, state, inputs)),
    trainable,
    state,
  );
}

/** The second half: SGD with momentum, and the new buffers. */
export function applyGradients(
  { gradients, buffers }: Pick<StepGradients, 'gradients' | 'buffers'>,
  state: NamedTensors,
  learningRate: tf.Scalar,
  options: SgdOptions,
): NamedTensors {
  const updated: Record<string, tf.Tensor> = { ...buffers };
  const names = Object.keys(gradients);
  const graded = names.map((name) => ({
    weight: state[name]!,
    gradient: gradients[name]!,
    velocity: state[momentumOf(name)]!,
  }));
  for (const [i, moved] of sgd(graded, learningRate, options).entries()) {
    updated[names[i]!] = moved.weight;
    updated[momentumOf(names[i]!)] = moved.velocity;
  }
  return updated;
}

/** The name of a trainable tensor's momentum in the state. */
export function momentumOf(name: string): string {
  return `momentum.${name}`;
}

/**
 * Loss and gradients of what `f` evaluates. TensorFlow.js frees everything that
 * the differentiated function makes but its value, so what else it returns is
 * kept and taken over afterwards.
 */
export function differentiate(
  f: () => Evaluated,
  trainable: readonly string[],
  state: NamedTensors,
): StepGradients {
  const kept = { buffers: {}, measurements: {}, remembered: {} } as Record<
    'buffers' | 'measurements' | 'remembered',
    NamedTensors
  >;
  const weights = trainable.map((name) => state[name]!);
  const differentiated = () => {
    const { loss, buffers, measurements, remembered } = f();
    kept.buffers = mapTensors(buffers, keepCopy);
    kept.measurements = mapTensors(measurements, keepCopy);
    kept.remembered = mapTensors(remembered, keepCopy);
    return loss;
  };
  const { value, grads } = tf
    .engine()
    .gradients(differentiated, weights, undefined, true);
  const found = trainable.flatMap((name, i) => {
    const gradient = grads[i]; // missing where the loss does not depend on it
    return gradient ? [[name, gradient] as const] : [];
  });
  return {
    gradients: Object.fromEntries(found),
    buffers: mapTensors(kept.buffers, takeOver),
    measurements: { ...mapTensors(kept.measurements, takeOver), loss: value },
    remembered: mapTensors(kept.remembered, takeOver),
  };
}

/** A copy, since the tensor may be one of the state's own. */
function keepCopy(tensor: tf.Tensor): tf.Tensor {
  return tf.keep(tf.clone(tensor));
}

/** A tensor of the current scope in place of a kept one. */
function takeOver(kept: tf.Tensor): tf.Tensor {
  const copy = tf.clone(kept);
  kept.dispose();
  return copy;
}

function mapTensors(
  tensors: NamedTensors,
  map: (tensor: tf.Tensor) => tf.Tensor,
): NamedTensors {
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.map(([name, t]) => [name, map(t)]));
}
