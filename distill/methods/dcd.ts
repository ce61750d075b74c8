import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { discriminativeConsistent } from '../losses/contrastive.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import type { HostTensor } from '../tensors.js';
import { joinHeads, linearHead, project } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** Factor of the consistent part. */
  consistency: z.number().nonnegative().default(0.5),
  /**
   * What similarities are multiplied by. Fixed, it is the inverse of a
   * temperature: 14.3 for 0.07. (The reference multiplies by a fixed
   * temperature itself: 0.07.)
   */
  scale: z
    .union([z.literal('trained'), z.number().positive()])
    .default('trained'),
});

/**
 * Discriminative and consistent distillation within the batch. Embeddings of
 * both sides are trained, and so are the scale (as its logarithm, from 1 on)
 * and a bias of the similarities.
 */
export const dcd: Method<z.infer<typeof params>> = {
  name: 'dcd',
  params,
  needs: () => ({ teacher: new Set(['features']) }),
  init: (dims, { scale }, rng) => {
    const { studentFeatureDim, teacherFeatureDim, featDim } = dims;
    const trained = { logScale: scalar(1), bias: scalar(0) };
    return joinHeads([
      linearHead('embed', studentFeatureDim, featDim, rng),
      linearHead('embedTeacher', teacherFeatureDim, featDim, rng),
      { trainable: scale === 'trained' ? trained : {}, buffers: {} },
    ]);
  },
  loss: ({ student, teacher }, { trainable }, { scale, consistency }) => {
    const own = l2Normalize(project(student.features, trainable, 'embed'));
    const target = l2Normalize(
      project(teacher.features!, trainable, 'embedTeacher'),
    );
    const similarities = tf.matMul(own, target, false, true); // [N, N]
    const scores =
      scale === 'trained'
        ? tf.add<tf.Tensor2D>(
            tf.mul(similarities, tf.exp(trainable['logScale']!)),
            trainable['bias']!,
          )
        : tf.mul<tf.Tensor2D>(similarities, scale);
    return { loss: discriminativeConsistent(scores, consistency) };
  },
};

function scalar(value: number): HostTensor {
  return { shape: [], data: Float32Array.of(value) };
}
