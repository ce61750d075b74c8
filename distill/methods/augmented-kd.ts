import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { kl } from '../losses/kl.js';
import { viewKinds } from '../views.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(0.9),
  temperature: z.number().positive().default(4),
  /** `cutmix` and `mixup`: the paper's TLCutMix and TLmixup. */
  view: z.enum(viewKinds).default('cutmix'),
  /** Views of a batch, each with a forward of the teacher and the student. */
  views: z.number().int().positive().max(8).default(1),
});

/**
 * KD on stronger views that only the teacher labels (Wang et al., arXiv
 * 2012.02909, section 3): KL(teacher(x') || student(x')), summed over the views
 * x'. Beside it, the paper's loss has 0.1 of `crossEntropy` and 0.9 of `kd` on
 * the step's own view.
 */
export const augmentedKd: Method<z.infer<typeof params>> = {
  name: 'augmentedKd',
  params,
  needs: ({ view, views }) => ({
    teacher: new Set(),
    views: [{ kind: view, count: views, teacher: new Set(['logits']) }],
  }),
  init: () => ({ trainable: {}, buffers: {} }),
  loss: ({ views }, _state, { temperature }) => ({
    loss: tf.addN<tf.Scalar>(
      views!.map(({ student, teacher }) =>
        kl(student.logits, teacher.logits!, temperature),
      ),
    ),
  }),
};
