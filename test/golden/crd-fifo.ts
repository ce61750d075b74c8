import { z } from 'zod';
import { crd } from '#distill/methods/crd.js';
import type { HostTensor } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import type { GoldenCase } from './case.js';
import type { Checks } from './checks.js';
import { contrastStep, embeddings, runContrast } from './contrast.js';
import { tensor, type GoldenTensor } from './json.js';

/** CRD over a FIFO queue, three batches in a row; enqueued before. */
export const crdFifoSchema = z.object({
  name: z.string(),
  source: z.literal('CRD.py'),
  opt: z.object({ memory_type: z.literal('fifo'), nce_t: z.number() }),
  ...embeddings,
  queue_init: tensor,
  ptr_init: z.number(),
  steps: z.array(
    z.object({ ...contrastStep, queue_after: tensor, ptr_after: z.number() }),
  ),
});

type CrdFifoFile = z.infer<typeof crdFifoSchema>;

export function crdFifoCase(file: CrdFifoFile): GoldenCase {
  return {
    name: file.name,
    run: (engine, checks) => run(file, engine, checks),
  };
}

async function run(file: CrdFifoFile, engine: Engine, checks: Checks) {
  const params = crd.params.parse({
    teacherEmbedding: 'trained',
    enqueue: 'before',
    temperature: file.opt.nce_t,
  });
  let queue = byAge(file.queue_init, file.ptr_init);
  let pointer = file.ptr_init;
  for (const [i, step] of file.steps.entries()) {
    const buffers = { queue };
    const what = `step ${i}`;
    const given = { method: crd, params, file, step, buffers };
    const after = await runContrast(engine, given, what, checks);
    queue = after['queue']!;
    pointer = (pointer + step.f_t.shape[0]!) % queue.shape[0]!;
    checks.that(`${what} pointer`, pointer === step.ptr_after);
    const expected = byAge(step.queue_after, step.ptr_after).data;
    const error = step.f32_max_abs_err['queue'];
    checks.close(`${what} queue`, queue, expected, error);
  }
}

/** Ours has the oldest row first; the file's oldest lies at the pointer. */
function byAge({ shape, data }: GoldenTensor, pointer: number): HostTensor {
  const start = pointer * shape[1]!;
  const rotated = [...data.slice(start), ...data.slice(0, start)];
  return { shape, data: Float32Array.from(rotated) };
}
