import { z } from 'zod';
import { probabilistic } from '../losses/probabilistic.js';
import { noHeads } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(30000) });

/** Probabilistic knowledge transfer of the pooled features. */
export const pkt: Method<z.infer<typeof params>> = {
  name: 'pkt',
  params,
  needs: () => ({ teacher: new Set(['features']) }),
  init: () => noHeads,
  loss: ({ student, teacher }) => ({
    loss: probabilistic(student.features, teacher.features!),
  }),
};
