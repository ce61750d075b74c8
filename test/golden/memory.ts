import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { crdMemory } from '#distill/methods/crd-memory.js';
import type { Method, Side, Weighted } from '#distill/methods/method.js';
import { rrdMemory } from '#distill/methods/rrd-memory.js';
import { SampleMemory } from '#distill/sample-memory.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedTensors,
} from '#distill/tensors.js';
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
  const memories = {
    student: memory(toHost(file.memory_v1_init)),
    teacher: memory(toHost(file.memory_v2_init)),
  };
  let buffers: Readonly<Record<string, HostTensor>> = {
    studentNormalizer: scalar(studentZ!),
    teacherNormalizer: scalar(teacherZ!),
  };
  for (const [i, step] of file.steps.entries()) {
    const given = {
      ...methodOf(file),
      file,
      step,
      buffers,
      inputs: {
        contrast: toHost(step.contrast_idx),
        student: rowsOf(memories.student),
        teacher: rowsOf(memories.teacher),
      },
      read: samples,
    };
    const {
      'remembered.student': student,
      'remembered.teacher': teacher,
      ...after
    } = await runContrast(engine, given, `step ${i}`, checks);
    buffers = after;
    const { nce_m: momentum } = file.opt;
    for (const [side, embeddings] of Object.entries({ student, teacher })) {
      const { data } = embeddings as { data: Float32Array };
      memories[side as Side].move(step.idx.data, data, momentum);
    }
    checkMemories(step, memories, `step ${i}`, checks);
    checkNormalizers(step.params_after.data, buffers, `step ${i}`, checks);
  }
}

function checkMemories(
  { memory_v1_after, memory_v2_after }: MemoryFile['steps'][number],
  { student, teacher }: Readonly<Record<Side, SampleMemory>>,
  what: string,
  checks: Checks,
) {
  const [own, other] = [rowsOf(student), rowsOf(teacher)];
  checks.close(`${what} memory of the student`, own, memory_v1_after.data);
  checks.close(`${what} memory of the teacher`, other, memory_v2_after.data);
}

function checkNormalizers(
  [, , student, teacher]: readonly number[],
  buffers: NamedHostTensors,
  what: string,
  checks: Checks,
) {
  const { studentNormalizer: own, teacherNormalizer: other } = buffers;
  checks.close(`${what} studentNormalizer`, own, [student!]);
  checks.close(`${what} teacherNormalizer`, other, [teacher!]);
}

function memory({ shape, data }: HostTensor): SampleMemory {
  const rows = Float32Array.from(data);
  return SampleMemory.adopt({ rows, featDim: shape[1]!, version: 0 });
}

/** A copy, as it is now. */
function rowsOf({ rows, capacity, featDim }: SampleMemory): HostTensor {
  return { shape: [capacity, featDim], data: rows.slice() };
}

function scalar(value: number): HostTensor {
  return { shape: [], data: Float32Array.of(value) };
}

function samples({ contrast, student, teacher }: NamedTensors) {
  const memories = { student, teacher } as Record<Side, tf.Tensor2D>;
  return { samples: { contrast: contrast as tf.Tensor2D, memories } };
}
