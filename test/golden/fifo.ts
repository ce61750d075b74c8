import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { rrd } from '#distill/methods/rrd.js';
import { embed } from '#distill/projection.js';
import { FifoQueue } from '#distill/queue.js';
import type { HostTensor, NamedTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import { runOnce, type GoldenCase } from './case.js';
import type { Checks } from './checks.js';
import { errors, tensor, toHost } from './json.js';

/** RRD over a FIFO queue, three batches in a row; enqueued before. */
export const fifoSchema = z.object({
  name: z.string(),
  source: z.literal('RRD.py'),
  opt: z.object({
    memory_type: z.literal('fifo'),
    nce_t_s: z.number(),
    nce_t_t: z.number(),
  }),
  'embed_s.weight': tensor,
  'embed_s.bias': tensor,
  'embed_t.weight': tensor,
  'embed_t.bias': tensor,
  queue_init: tensor,
  ptr_init: z.number(),
  steps: z.array(
    z.object({
      f_s: tensor,
      f_t: tensor,
      loss: z.number(),
      grad_f_s: tensor,
      'grad_embed_s.weight': tensor,
      'grad_embed_s.bias': tensor,
      // Our teacher side is a constant, so only null can be right.
      grad_f_t: z.null(),
      'grad_embed_t.weight': z.null(),
      'grad_embed_t.bias': z.null(),
      queue_after: tensor,
      ptr_after: z.number(),
      f32_max_abs_err: errors,
    }),
  ),
});

type FifoFile = z.infer<typeof fifoSchema>;

export function fifoCase(file: FifoFile): GoldenCase {
  return {
    name: file.name,
    run: (engine, checks) => run(file, engine, checks),
  };
}

async function run(file: FifoFile, engine: Engine, checks: Checks) {
  const queue = FifoQueue.restore({
    rows: Float32Array.from(file.queue_init.data),
    featDim: file.queue_init.shape[1]!,
    pointer: file.ptr_init,
    version: 0,
  });
  const projection = {
    weight: toHost(file['embed_t.weight']),
    bias: toHost(file['embed_t.bias']),
  };
  for (const [i, step] of file.steps.entries()) {
    const teacher = embed(toHost(step.f_t), projection);
    queue.enqueue(teacher.data as Float32Array);
    const error = step.f32_max_abs_err;
    const is = (what: string, actual: HostTensor | undefined, key: string) => {
      const expected = step[what as 'grad_f_s'].data;
      checks.close(`step ${i} ${what}`, actual, expected, error[key]);
    };
    const rows = { shape: file.queue_init.shape, data: queue.rows };
    is('queue_after', rows, 'queue');
    checks.that(`step ${i} pointer`, queue.pointer === step.ptr_after);
    const outputs = await runOnce(
      engine,
      {
        features: toHost(step.f_s),
        weight: toHost(file['embed_s.weight']),
        bias: toHost(file['embed_s.bias']),
        teacher,
        queue: rows,
      },
      (inputs) => lossAndGradients(file, inputs),
    );
    checks.close(`step ${i} loss`, outputs['loss'], [step.loss], error['loss']);
    is('grad_f_s', outputs['features'], 'grad_f_s');
    is('grad_embed_s.weight', outputs['weight'], 'grad_embed_s.weight');
    is('grad_embed_s.bias', outputs['bias'], 'grad_embed_s.bias');
  }
}

function lossAndGradients(
  { opt }: FifoFile,
  inputs: NamedTensors,
): NamedTensors {
  const params = rrd.params.parse({
    studentTemperature: opt.nce_t_s,
    teacherTemperature: opt.nce_t_t,
  });
  const loss = (features: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => {
    const pooled = features as tf.Tensor2D;
    const maps = { maps: [], preactivations: () => [] };
    const student = { ...maps, features: pooled, logits: pooled, buffers: {} };
    const trainable = { 'embed.weight': weight, 'embed.bias': bias };
    return rrd.loss(
      {
        student,
        teacher: { embeddings: inputs['teacher'] as tf.Tensor2D },
        labels: tf.zeros([pooled.shape[0]], 'int32'),
        queue: inputs['queue'] as tf.Tensor2D,
      },
      { trainable, buffers: {} },
      params,
    ).loss;
  };
  const names = ['features', 'weight', 'bias'] as const;
  const { value, grads } = tf.valueAndGrads(loss)(
    names.map((name) => inputs[name]!),
  );
  const entries = names.map((name, i) => [name, grads[i]!] as const);
  return { loss: value, ...Object.fromEntries(entries) };
}

/** The reference refuses these sizes; ours must equal a plain array. */
export const indivisibleSchema = z.object({
  name: z.string(),
  raises: z.literal('AssertionError'),
  note: z.string(),
});

export function indivisibleCase(
  file: z.infer<typeof indivisibleSchema>,
): GoldenCase {
  const sizes = /K=(\d+), batch (\d+)/.exec(file.note)?.slice(1).map(Number);
  if (!sizes) throw new Error(`no sizes in the note "${file.note}"`);
  const [capacity, batch] = sizes as [number, number];
  const run = async (_engine: Engine, checks: Checks) => {
    const queue = FifoQueue.create({
      capacity,
      featDim: 1,
      seed: 0,
      init: 'rows',
    });
    const slots = [...queue.rows];
    for (let first = 0; first < 3 * capacity; first += batch) {
      const rows = Array.from({ length: batch }, (_, i) => first + i);
      for (const row of rows) slots[row % capacity] = row;
      queue.enqueue(Float32Array.from(rows));
      checks.near(`rows after ${first + batch}`, queue.rows, slots, 0);
    }
  };
  return { name: file.name, run };
}
