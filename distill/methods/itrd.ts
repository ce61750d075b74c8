import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import {
  correlationLoss,
  mutualInformationLoss,
} from '../losses/information.js';
import { linearHead, project } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** Weights of the two parts. */
  correlation: z.number().nonnegative().default(1),
  mutual: z.number().nonnegative().default(1),
  /** Renyi's order in the correlation part. */
  alpha: z.number().positive().default(1.5),
});

/**
 * Information-theoretic distillation of the pooled features. Correlations are
 * taken behind a linear embedding; so is mutual information, but features that
 * are as wide as the teacher's go into it as they are.
 */
export const itrd: Method<z.infer<typeof params>> = {
  name: 'itrd',
  params,
  needs: () => ({ teacher: new Set(['features']) }),
  init: ({ studentFeatureDim, teacherFeatureDim }, _params, rng) =>
    linearHead('embed', studentFeatureDim, teacherFeatureDim, rng),
  loss: ({ student, teacher }, { trainable }, weights) => {
    const target = teacher.features!;
    const embedded = project(student.features, trainable, 'embed');
    const sameWidth = student.features.shape[1] === target.shape[1];
    const own = sameWidth ? student.features : embedded;
    const correlation = correlationLoss(embedded, target, weights.alpha);
    const mutual = mutualInformationLoss(own, target);
    const loss = tf.add<tf.Scalar>(
      tf.mul(correlation, weights.correlation),
      tf.mul(mutual, weights.mutual),
    );
    return { loss, measurements: { correlation, mutual } };
  },
};
