import * as tf from '@tensorflow/tfjs-core';
import type {
  Method,
  MethodInputs,
  Weighted,
} from '#distill/methods/method.js';
import type { NamedHostTensors, NamedTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import { runOnce } from './case.js';

export interface MethodRun {
  readonly method: Method;
  readonly params: Weighted;
  /** Heads and buffers of the method, by its own names. */
  readonly state: NamedHostTensors;
  readonly inputs: NamedHostTensors;
  readonly read: (inputs: NamedTensors) => Partial<MethodInputs>;
  /** Names of the state and of the inputs to differentiate by. */
  readonly by: readonly string[];
}

/**
 * A method's loss once, on an engine.
 *
 * @returns `loss`, `grad.<name>` where the loss depends on it,
 *   `after.<buffer>`, and `remembered.<side>`
 */
export function runMethod(
  engine: Engine,
  run: MethodRun,
): Promise<NamedHostTensors> {
  const { method, params, by } = run;
  return runOnce(engine, { ...run.state, ...run.inputs }, (given) => {
    const evaluate = (tensors: NamedTensors) =>
      method.loss(
        complete(run.read(tensors)),
        { trainable: tensors, buffers: tensors },
        params,
      );
    const f = () => evaluate(given).loss;
    const xs = by.map((name) => given[name]!);
    const { value, grads } = tf.engine().gradients(f, xs, undefined, true);
    const gradients = by.flatMap((name, i) =>
      grads[i] ? [[`grad.${name}`, grads[i]] as const] : [],
    );
    const { buffers = {}, remembered = {} } = evaluate(given);
    const after = Object.entries(buffers).map(
      ([name, tensor]) => [`after.${name}`, tensor] as const,
    );
    const kept = Object.entries(remembered).map(
      ([side, tensor]) => [`remembered.${side}`, tensor] as const,
    );
    const all = [...gradients, ...after, ...kept];
    return { loss: value, ...Object.fromEntries(all) };
  });
}

/** What a method does not read may be anything. */
function complete(inputs: Partial<MethodInputs>): MethodInputs {
  const none = tf.zeros<tf.Rank.R2>([1, 1]);
  const maps = { maps: [], preactivations: () => [] };
  const student = { ...maps, features: none, logits: none, buffers: {} };
  return {
    teacher: {},
    labels: tf.zeros([1], 'int32'),
    ...inputs,
    student: { ...student, ...inputs.student },
  };
}
