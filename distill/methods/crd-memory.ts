import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { noiseContrastive } from '../losses/noise-contrastive.js';
import { contrast, memoryHeads, memoryParams } from './memories.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(0.8), ...memoryParams });

/**
 * Contrastive representation distillation (Tian et al., arXiv 1910.10699): the
 * student against a memory of the teacher's embeddings of all samples, and the
 * teacher against one of the student's, by noise-contrastive estimation.
 */
export const crdMemory: Method<z.infer<typeof params>> = {
  name: 'crdMemory',
  params,
  needs: ({ negatives, momentum }) => ({
    teacher: new Set(['features']),
    samples: { negatives, momentum },
  }),
  init: (dims, _params, rng) => memoryHeads(dims, rng),
  loss: (inputs, state, params) => {
    const { temperature } = params;
    const { student, teacher, ...after } = contrast(inputs, state, temperature);
    const sampleCount = inputs.samples!.memories.student.shape[0];
    const [own, other] = [student, teacher].map(({ pairs }) =>
      noiseContrastive(pairs, sampleCount),
    ) as [tf.Scalar, tf.Scalar];
    return { loss: tf.add(own, other), ...after };
  },
};
