import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { softCrossEntropy } from '../losses/cross-entropy.js';
import { constant } from '../ops/constant.js';
import { contrast, memoryHeads, memoryParams } from './memories.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  ...memoryParams,
  studentTemperature: z.number().positive(),
  teacherTemperature: z.number().positive(),
  /**
   * `similarities`: softmax of inner products, as in `rrd`. `exponentials`: of
   * exp(similarity / temperature) / Z, the exponential of an exponential, as in
   * the reference.
   */
  scores: z.enum(['similarities', 'exponentials']).default('similarities'),
});

/**
 * Relational distillation with memories of all samples in place of a queue: the
 * student's similarities to the teacher's memory shall be distributed as the
 * teacher's to the student's. The teacher's embedding keeps its first values.
 */
export const rrdMemory: Method<z.infer<typeof params>> = {
  name: 'rrdMemory',
  params,
  needs: ({ negatives, momentum }) => ({
    teacher: new Set(['features']),
    samples: { negatives, momentum },
  }),
  init: (dims, _params, rng) => {
    const { trainable, buffers } = memoryHeads(dims, rng);
    const { 'embed.weight': weight, 'embed.bias': bias, ...fixed } = trainable;
    return {
      trainable: { 'embed.weight': weight!, 'embed.bias': bias! },
      buffers: { ...buffers, ...fixed },
    };
  },
  loss: (inputs, { trainable, buffers: before }, params) => {
    const state = { trainable: { ...before, ...trainable }, buffers: before };
    const { temperature } = params;
    const { student, teacher, ...after } = contrast(inputs, state, temperature);
    const part = params.scores === 'similarities' ? 'scores' : 'pairs';
    const logits = tf.div<tf.Tensor2D>(
      student[part],
      params.studentTemperature,
    );
    const target = constant(() =>
      tf.softmax(tf.div<tf.Tensor2D>(teacher[part], params.teacherTemperature)),
    );
    return { loss: softCrossEntropy(logits, target), ...after };
  },
};
