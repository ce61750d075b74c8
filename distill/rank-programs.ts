import type * as tf from '@tensorflow/tfjs-core';
import type { Program } from './program.js';
import type { NamedSpecs, NamedTensors } from './tensors.js';
import {
  renamed,
  type TrainProgramOptions,
  trainTensors,
  type TrainTensors,
} from './train-program.js';
import { applyGradients, gradients, momentumOf } from './train-step.js';

/**
 * A training step in two halves, so that the ranks' gradients can meet in
 * between, whoever computes them. One worker with all ranks runs the same two
 * programs as many workers with one rank each: where ranks are cannot change
 * how an engine fuses their arithmetic.
 */
export interface RankPrograms extends TrainTensors {
  /**
   * The first half, of one rank. State: none, since every rank brings other
   * buffers. Inputs: `trainable`, `buffers` and `inputs` of `TrainTensors`.
   * Outputs: `gradient.<name>` of every weight that the loss depends on,
   * `buffer.<name>`, the scalars of `Evaluated.measurements` with `loss`, and
   * what is `remembered`.
   */
  readonly gradients: Program;
  /**
   * The second half: one step of SGD.
   * State: `graded` and their `momentum.<name>`. Inputs: `gradient.<name>` of
   * `graded`, and `learningRate`. Outputs: none.
   * @param graded the weights that have a gradient; others stay as they are
   */
  readonly apply: (graded: readonly string[]) => Program;
}

export function gradientOf(name: string): string {
  return `gradient.${name}`;
}

export function newBufferOf(name: string): string {
  return `buffer.${name}`;
}

export function createRankPrograms(options: TrainProgramOptions): RankPrograms {
  const { network, experiment } = options;
  const { loss, training } = experiment;
  const tensors = trainTensors(options);
  const names = Object.keys(tensors.trainable);
  return {
    ...tensors,
    gradients: {
      name: `gradients of ${network.name}`,
      state: {},
      inputs: { ...tensors.trainable, ...tensors.buffers, ...tensors.inputs },
      run(_, given) {
        const { precision } = training;
        const objective = { network, loss, precision };
        const step = gradients(objective, names, given, given);
        const outputs = {
          ...renamed(step.gradients, gradientOf),
          ...renamed(step.buffers, newBufferOf),
          ...step.measurements,
          ...step.remembered,
        };
        return { state: {}, outputs };
      },
    },
    apply(graded) {
      const weights = pick(tensors.trainable, graded);
      return {
        name: `SGD step of ${network.name}`,
        state: { ...weights, ...renamed(weights, momentumOf) },
        inputs: {
          ...renamed(weights, gradientOf),
          learningRate: { shape: [], dataType: 'float32' },
        },
        run(state, given) {
          const means = graded.map((name) => [name, given[gradientOf(name)]!]);
          const step = {
            gradients: Object.fromEntries(means) as NamedTensors,
            buffers: {},
          };
          const rate = given['learningRate'] as tf.Scalar;
          const updated = applyGradients(step, state, rate, training);
          return { state: updated, outputs: {} };
        },
      };
    },
  };
}

function pick(specs: NamedSpecs, names: readonly string[]): NamedSpecs {
  return Object.fromEntries(names.map((name) => [name, specs[name]!]));
}
