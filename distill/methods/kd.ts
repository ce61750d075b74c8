import { z } from 'zod';
import { kl } from '../losses/kl.js';
import { weight, type Method } from './method.js';

const params = z.strictObject({
  /** alpha of the paper */
  weight,
  temperature: z.number().positive().default(4),
});

/** Knowledge distillation (Hinton et al., arXiv 1503.02531). */
export const kd: Method<z.infer<typeof params>> = {
  name: 'kd',
  params,
  needs: () => ({ teacher: new Set(['logits']) }),
  init: () => ({ trainable: {}, buffers: {} }),
  loss: ({ student, teacher }, _state, { temperature }) => ({
    loss: kl(student.logits, teacher.logits!, temperature),
  }),
};
