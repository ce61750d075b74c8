import { z } from 'zod';
import { similarityPreserving } from '../losses/similarity.js';
import { noHeads } from './heads.js';
import { needsMaps } from './maps.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(3000) });

/** Similarity-preserving distillation of the last map. */
export const sp: Method<z.infer<typeof params>> = {
  name: 'sp',
  params,
  needs: () => needsMaps(-1),
  init: () => noHeads,
  loss: ({ student, teacher }) => ({
    loss: similarityPreserving(student.maps.at(-1)!, teacher.maps!.at(-1)!),
  }),
};
