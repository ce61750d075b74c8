import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { crossEntropy } from '../losses/cross-entropy.js';
import { weightedSoftLabels } from '../losses/weighted-soft-labels.js';
import { noHeads } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** Factor of the soft labels. */
  alpha: z.number().positive().default(2.5),
  temperature: z.number().positive().default(2),
  /**
   * Adds the cross-entropy with the true classes, as the reference does,
   * besides the experiment's own.
   */
  hardLabels: z.boolean().default(false),
});

/** Weighted soft labels. */
export const wsld: Method<z.infer<typeof params>> = {
  name: 'wsld',
  params,
  needs: () => ({ teacher: new Set(['logits']) }),
  init: () => noHeads,
  loss: ({ student, teacher, labels }, _state, params) => {
    const { alpha, temperature, hardLabels } = params;
    const { logits } = student;
    const soft = tf.mul<tf.Scalar>(
      weightedSoftLabels(logits, teacher.logits!, labels, temperature),
      alpha,
    );
    return {
      loss: hardLabels ? tf.add(soft, crossEntropy(logits, labels)) : soft,
    };
  },
};
