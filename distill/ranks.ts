import * as tf from '@tensorflow/tfjs-core';
import type { NamedTensors } from './tensors.js';
import type { StepGradients } from './train-step.js';

/**
 * Data-parallel ranks. A rank is a logical micro-batch of every step: it has
 * its own samples and its own buffers (running statistics of batch norm,
 * memories of methods), while weights, momentum and the queue are one for all.
 * A step goes on with the mean of the ranks' gradients, summed in rank order,
 * so where a rank is computed cannot change a bit.
 */

/** Inputs of a step that all ranks read; of others each has its own rows. */
const sharedInputs: ReadonlySet<string> = new Set(['learningRate', 'queue']);

/**
 * What a state calls a buffer of `rank`. Rank 0's keep their plain names, and
 * so are the ones that evaluation and export find.
 */
export function bufferOf(rank: number, name: string): string {
  return rank === 0 ? name : `rank${rank}.${name}`;
}

/** The state as `rank` sees it: its own buffers under their plain names. */
export function stateOf(
  rank: number,
  state: NamedTensors,
  buffers: readonly string[],
): NamedTensors {
  if (rank === 0) return state;
  const own = buffers.map((name) => [name, state[bufferOf(rank, name)]!]);
  return { ...state, ...(Object.fromEntries(own) as NamedTensors) };
}

/**
 * The inputs of `rank`.
 * @param inputs of all `ranks`, the samples of rank 0 first
 */
export function inputsOf(
  rank: number,
  ranks: number,
  inputs: NamedTensors,
): NamedTensors {
  if (ranks === 1) return inputs;
  const entries = Object.entries(inputs).map(([name, tensor]) => {
    if (sharedInputs.has(name)) return [name, tensor] as const;
    const count = tensor.shape[0] / ranks;
    return [name, tf.slice(tensor, rank * count, count)] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * One step of all ranks: the mean of their gradients and measurements, and
 * each one's buffers. One rank's is handed on as it is.
 * @param steps in rank order
 */
export function reduceRanks(steps: readonly StepGradients[]): StepGradients {
  const buffers = steps.flatMap((step, rank) =>
    Object.entries(step.buffers).map(
      ([name, tensor]) => [bufferOf(rank, name), tensor] as const,
    ),
  );
  return {
    gradients: mean(steps.map((step) => step.gradients)),
    buffers: Object.fromEntries(buffers),
    measurements: mean(steps.map((step) => step.measurements)),
  };
}

function mean(parts: readonly NamedTensors[]): NamedTensors {
  const [first, ...others] = parts;
  if (!first || others.length === 0) return first ?? {};
  const entries = Object.entries(first).map(([name, own]) => {
    const add = (sum: tf.Tensor, part: NamedTensors) =>
      tf.add(sum, part[name]!);
    return [name, tf.div(others.reduce(add, own), parts.length)] as const;
  });
  return Object.fromEntries(entries);
}
