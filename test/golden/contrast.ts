import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type {
  Method,
  MethodInputs,
  Weighted,
} from '#distill/methods/method.js';
import type { NetworkOutput } from '#distill/models/network.js';
import type { NamedHostTensors, NamedTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import type { Checks } from './checks.js';
import { errors, tensor, toHost } from './json.js';
import { runMethod } from './method-gradients.js';

/** What the files of contrastive methods share: embeddings, and a step. */
export const embeddings = {
  'embed_s.weight': tensor,
  'embed_s.bias': tensor,
  'embed_t.weight': tensor,
  'embed_t.bias': tensor,
};

export const contrastStep = {
  f_s: tensor,
  f_t: tensor,
  loss: z.number(),
  grad_f_s: tensor,
  grad_f_t: tensor.nullable(),
  'grad_embed_s.weight': tensor,
  'grad_embed_s.bias': tensor,
  'grad_embed_t.weight': tensor.nullable(),
  'grad_embed_t.bias': tensor.nullable(),
  f32_max_abs_err: errors,
};

/** A gradient of the file by our name of what it is taken by. */
const gradients = {
  f_s: 'grad_f_s',
  f_t: 'grad_f_t',
  'embed.weight': 'grad_embed_s.weight',
  'embed.bias': 'grad_embed_s.bias',
  'embedTeacher.weight': 'grad_embed_t.weight',
  'embedTeacher.bias': 'grad_embed_t.bias',
} as const;

export interface ContrastRun {
  readonly method: Method;
  readonly params: Weighted;
  readonly file: z.infer<z.ZodObject<typeof embeddings>>;
  readonly step: z.infer<z.ZodObject<typeof contrastStep>>;
  readonly buffers: NamedHostTensors;
  readonly inputs?: NamedHostTensors;
  readonly read?: (inputs: NamedTensors) => Partial<MethodInputs>;
}

/**
 * One step: checks the loss and all gradients.
 * @returns the buffers after it, by name, and `remembered.<side>`
 */
export async function runContrast(
  engine: Engine,
  run: ContrastRun,
  what: string,
  checks: Checks,
): Promise<NamedHostTensors> {
  const { method, params, file, step } = run;
  const error = step.f32_max_abs_err;
  const outputs = await runMethod(engine, {
    method,
    params,
    state: {
      'embed.weight': toHost(file['embed_s.weight']),
      'embed.bias': toHost(file['embed_s.bias']),
      'embedTeacher.weight': toHost(file['embed_t.weight']),
      'embedTeacher.bias': toHost(file['embed_t.bias']),
      ...run.buffers,
    },
    inputs: { f_s: toHost(step.f_s), f_t: toHost(step.f_t), ...run.inputs },
    read: (inputs) => ({ ...sides(inputs), ...run.read?.(inputs) }),
    by: Object.keys(gradients),
  });
  checks.close(`${what} loss`, outputs['loss'], [step.loss], error['loss']);
  for (const [own, key] of Object.entries(gradients)) {
    const [actual, expected] = [outputs[`grad.${own}`], step[key]];
    if (expected)
      checks.close(`${what} ${key}`, actual, expected.data, error[key]);
    else checks.that(`${what} ${key}: there is none`, actual === undefined);
  }
  const buffers = Object.keys(run.buffers);
  const after = buffers.map((name) => [name, outputs[`after.${name}`]!]);
  const remembered = Object.entries(outputs).filter(([name]) =>
    name.startsWith('remembered.'),
  );
  return Object.fromEntries([...after, ...remembered]) as NamedHostTensors;
}

function sides({ f_s, f_t }: NamedTensors): Partial<MethodInputs> {
  return {
    student: { features: f_s } as unknown as NetworkOutput,
    teacher: { features: f_t as tf.Tensor2D },
  };
}
