import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { infoNce } from '../losses/contrastive.js';
import { constant } from '../ops/constant.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { FifoQueue } from '../queue.js';
import { joinHeads, linearHead, project } from './heads.js';
import {
  weightOf,
  type Method,
  type MethodInputs,
  type MethodLoss,
  type MethodState,
} from './method.js';
import type { NamedTensors } from '../tensors.js';

const params = z.strictObject({
  weight: weightOf(0.8),
  temperature: z.number().positive().default(0.07),
  /**
   * `fixed`: the bank's queue and its fixed projection of teacher features.
   * `trained`: an embedding of its own, trained, and a queue of its own.
   */
  teacherEmbedding: z.enum(['fixed', 'trained']).default('fixed'),
  /**
   * `before`: the batch's own embeddings are among the negatives, each sample's
   * positive too, as in the reference.
   */
  enqueue: z.enum(['before', 'after']).default('after'),
});

type Params = z.infer<typeof params>;

/**
 * Contrastive representation distillation with a queue of teacher embeddings:
 * InfoNCE of the student's embedding against its teacher's and the queue. (The
 * paper's own form, with a memory of all samples, is `crdMemory`.)
 */
export const crd: Method<Params> = {
  name: 'crd',
  params,
  needs: ({ teacherEmbedding, enqueue }) =>
    teacherEmbedding === 'fixed'
      ? { teacher: new Set(['embeddings']), queue: enqueue }
      : { teacher: new Set(['features']) },
  init: (dims, { teacherEmbedding }, rng) => {
    const { studentFeatureDim, teacherFeatureDim, featDim, capacity } = dims;
    const own = linearHead('embed', studentFeatureDim, featDim, rng);
    if (teacherEmbedding === 'fixed') return own;
    const seed = Math.floor(rng.uniform() * 2 ** 32);
    const queue = FifoQueue.create({ capacity, featDim, seed, init: 'rows' });
    const rows = { shape: [capacity, featDim], data: queue.rows };
    return joinHeads([
      own,
      linearHead('embedTeacher', teacherFeatureDim, featDim, rng),
      { trainable: {}, buffers: { queue: rows } },
    ]);
  },
  loss: (inputs, state, params) => {
    if (params.teacherEmbedding === 'trained')
      return trained(inputs, state, params);
    const { student, teacher, queue } = inputs;
    const own = l2Normalize(
      project(student.features, state.trainable, 'embed'),
    );
    const target = constant(() => teacher.embeddings!);
    const loss = infoNce(own, target, queue!, params.temperature);
    return { loss };
  },
};

/** With the rows of its own queue in order of age, the oldest first. */
function trained(
  { student, teacher }: MethodInputs,
  { trainable, buffers }: MethodState<NamedTensors>,
  { temperature, enqueue }: Params,
): MethodLoss {
  const own = l2Normalize(project(student.features, trainable, 'embed'));
  const target = l2Normalize(
    project(teacher.features!, trainable, 'embedTeacher'),
  );
  const before = buffers['queue'] as tf.Tensor2D;
  const after = constant(() => {
    const [capacity, featDim] = before.shape;
    const rows = tf.concat([before, target]);
    return tf.slice(rows, [rows.shape[0] - capacity, 0], [capacity, featDim]);
  });
  const queue = enqueue === 'before' ? after : before;
  const loss = infoNce(own, target, queue, temperature);
  return { loss, buffers: { queue: after } };
}
