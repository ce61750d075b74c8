import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { crossEntropy } from '#distill/losses/cross-entropy.js';
import { kl } from '#distill/losses/kl.js';
import type { NamedTensors } from '#distill/tensors.js';
import { runOnce, type GoldenCase } from './case.js';
import { errors, tensor, toHost } from './json.js';

/** A loss of some inputs, and its gradients. */
export const plainSchema = z.object({
  name: z.string(),
  source: z.string(),
  const: z.record(z.string(), z.number()),
  inputs: z.record(z.string(), tensor),
  loss: z.number(),
  grads: z.record(z.string(), tensor.nullable()),
  f32_max_abs_err: errors.optional(),
});

type PlainFile = z.infer<typeof plainSchema>;
type Loss = (inputs: NamedTensors, constants: PlainFile['const']) => tf.Scalar;

/** Our losses by the reference's file. */
const losses: Readonly<Record<string, Loss>> = {
  'KD.py': (inputs, constants) =>
    kl(
      inputs['y_s'] as tf.Tensor2D,
      inputs['y_t'] as tf.Tensor2D,
      constants['T']!,
    ),
  'torch.nn.CrossEntropyLoss': (inputs) =>
    crossEntropy(inputs['y_s'] as tf.Tensor2D, inputs['label'] as tf.Tensor1D),
};

export function plainLossExists(source: string): boolean {
  return Object.hasOwn(losses, source);
}

export function plainCase(file: PlainFile): GoldenCase {
  const loss = losses[file.source]!;
  const wanted = Object.keys(file.grads).filter((name) => file.grads[name]);
  const inputs = Object.fromEntries(
    Object.entries(file.inputs).map(([name, value]) => [name, toHost(value)]),
  );
  return {
    name: file.name,
    async run(engine, checks) {
      const outputs = await runOnce(engine, inputs, (tensors) => {
        const f = (...values: tf.Tensor[]) => {
          const own = wanted.map((name, i) => [name, values[i]!] as const);
          return loss({ ...tensors, ...Object.fromEntries(own) }, file.const);
        };
        const { value, grads } = tf.valueAndGrads(f)(
          wanted.map((name) => tensors[name]!),
        );
        const entries = wanted.map((name, i) => [name, grads[i]!] as const);
        return { loss: value, ...Object.fromEntries(entries) };
      });
      const error = file.f32_max_abs_err ?? {};
      checks.close('loss', outputs['loss'], [file.loss], error['loss']);
      for (const name of wanted) {
        const expected = file.grads[name]!.data;
        checks.close(`grad ${name}`, outputs[name], expected, error[name]);
      }
    },
  };
}
