import type * as tf from '@tensorflow/tfjs-core';
import { methods, type MethodName } from './methods/index.js';
import type { Method } from './methods/method.js';
import { evaluateStage } from './objective.js';
import { autocast } from './ops/autocast.js';
import type { Program } from './program.js';
import type { NamedHostTensors } from './tensors.js';
import {
  type TrainProgram,
  type TrainProgramOptions,
  trainTensors,
  zerosLike,
} from './train-program.js';
import { applyGradients, differentiate, momentumOf } from './train-step.js';

/**
 * One step of a method's stage, of a single rank: SGD on the stage's own loss
 * over the tensors that it teaches. State: network, heads and buffers as the
 * train program has them, and the momentum of those. Inputs: as the train
 * program. Outputs: `<method>` and `loss`, which are the same.
 *
 * @param options whose `experiment.loss` is the stage's phase, see phases.ts
 */
export function createStageProgram(
  options: TrainProgramOptions,
  name: MethodName,
): TrainProgram {
  const { network, experiment } = options;
  const { loss, training } = experiment;
  const { precision = 'float32' } = training;
  const stage = (methods[name] as Method).stage!;
  const { trainable, buffers, inputs, initialState } = trainTensors(options);
  const carried = { ...trainable, ...buffers };
  const learns = (tensor: string) =>
    tensor in network.parameters
      ? stage.student
      : tensor.startsWith(`${name}.`) &&
        stage.learns(tensor.slice(name.length + 1));
  const learning = Object.keys(carried).filter(learns);
  const momentum = learning.map((tensor) => [
    momentumOf(tensor),
    carried[tensor]!,
  ]);
  const program: Program = {
    name: `${name} stage of ${network.name}`,
    state: { ...carried, ...(Object.fromEntries(momentum) as typeof carried) },
    inputs: { ...inputs, learningRate: { shape: [], dataType: 'float32' } },
    run(state, given) {
      const objective = { network, loss };
      const evaluate = () =>
        autocast(precision, () => evaluateStage(objective, name, state, given));
      const step = differentiate(evaluate, learning, state);
      const rate = given['learningRate'] as tf.Scalar;
      const updated = applyGradients(step, state, rate, training);
      return { state: updated, outputs: step.measurements };
    },
  };
  return {
    program,
    initialState(seed) {
      const all = initialState(seed);
      const own = Object.keys(carried).map((tensor) => [tensor, all[tensor]!]);
      const zeros = learning.map((tensor) => [
        momentumOf(tensor),
        zerosLike(all[tensor]!),
      ]);
      return Object.fromEntries([...own, ...zeros]) as NamedHostTensors;
    },
  };
}

/**
 * The state that a phase begins with: its own first one, with what it shares
 * with the phase before it, but for the momentum.
 */
export function carriedOver(
  first: NamedHostTensors,
  before: NamedHostTensors,
): NamedHostTensors {
  const entries = Object.entries(first).map(([name, tensor]) => {
    const kept = name.startsWith(momentumOf('')) ? undefined : before[name];
    return [name, kept ?? tensor] as const;
  });
  return Object.fromEntries(entries);
}
