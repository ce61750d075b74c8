import { z } from 'zod';
import { relations } from '../losses/relations.js';
import { noHeads } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** Weights of the two parts. */
  distance: z.number().nonnegative().default(25),
  angle: z.number().nonnegative().default(50),
});

/** Relational knowledge distillation of the pooled features. */
export const rkd: Method<z.infer<typeof params>> = {
  name: 'rkd',
  params,
  needs: () => ({ teacher: new Set(['features']) }),
  init: () => noHeads,
  loss: ({ student, teacher }, _state, weights) => ({
    loss: relations(student.features, teacher.features!, weights),
  }),
};
