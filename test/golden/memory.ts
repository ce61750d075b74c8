import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { crdMemory } from '#distill/methods/crd-memory.js';
import type { Method, Weighted } from '#distill/methods/method.js';
import { rrdMemory } from '#distill/methods/rrd-memory.js';
import type { HostTensor, NamedTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import type { GoldenCase } from './case.js';
import type { Checks } from './checks.js';
import { contrastStep, embeddings, runContrast } from './contrast.js';
import { tensor, toHost } from './json.js';

/** CRD and RRD with memories of all samples, three batches in a row. */
export const memorySchema = z.object({
  name: z.string(),
  source: z.enum(['CRD.py', 'RRD.py']),
  opt: z.object({
    memory_type: z.literal('momentum'),
    nce_k: z.number(),
    nce_t: z.number(),
    nce_t_s: z.number(),
    nce_t_t: z.number(),
    nce_m: z.number(),
  }),
  ...embeddings,
  memory_v1_init: tensor,
  memory_v2_init: tensor,
  params_init: tensor,
  steps: z.array(
    z.object({
      ...contrastStep,
      idx: tensor,
      contrast_idx: tensor,
      memory_v1_after: tensor,
      memory_v2_after: tensor,
      params_after: tensor,
    }),
  ),
});

type MemoryFile = z.infer<typeof memorySchema>;

export function memoryCase(file: MemoryFile): GoldenCase {
  return {
    name: file.name,
    run: (engine, checks) => run(file, engine, checks),
  };
}

function methodOf({ source, opt }: MemoryFile): {
  method: Method;
  params: Weighted;
} {
  const shared = {
    temperature: opt.nce_t,
    momentum: opt.nce_m,
    negatives: opt.nce_k,
  };
  if (source === 'CRD.py')
    return { method: crdMemory, params: crdMemory.params.parse(shared) };
  const params = rrdMemory.params.parse({
    ...shared,
    studentTemperature: opt.nce_t_s,
    teacherTemperature: opt.nce_t_t,
    scores: 'exponentials',
  });
  return { method: rrdMemory, params };
}

async function run(file: MemoryFile, engine: Engine, checks: Checks) {
  // [K, T, Z of the student, Z of the teacher, momentum]
  const [, , studentZ, teacherZ] = file.params_init.data;
  let buffers: Readonly<Record<string, HostTensor>> = {
    studentMemory: toHost(file.memory_v1_init),
    teacherMemory: toHost(file.memory_v2_init),
    studentNormalizer: scalar(studentZ!),
    teacherNormalizer: scalar(teacherZ!),
  };
  for (const [i, step] of file.steps.entries()) {
    const given = {
      ...methodOf(file),
      file,
      step,
      buffers,
      inputs: { own: toHost(step.idx), contrast: toHost(step.contrast_idx) },
      read: samples,
    };
    buffers = await runContrast(engine, given, `step ${i}`, checks);
    const after = step.params_after.data;
    const expected = {
      studentMemory: step.memory_v1_after.data,
      teacherMemory: step.memory_v2_after.data,
      studentNormalizer: [after[2]!],
      teacherNormalizer: [after[3]!],
    };
    for (const [name, data] of Object.entries(expected)) {
      checks.close(`step ${i} ${name}`, buffers[name], data);
    }
  }
}

function scalar(value: number): HostTensor {
  return { shape: [], data: Float32Array.of(value) };
}

function samples({ own, contrast }: NamedTensors) {
  return {
    samples: { own: own as tf.Tensor1D, contrast: contrast as tf.Tensor2D },
  };
}
