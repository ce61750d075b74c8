import { z } from 'zod';
import { graphAlignment } from '../losses/graph-alignment.js';
import { linearHead, noHeads, project } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** Weight of the edges against the nodes. */
  edges: z.number().nonnegative().default(0.3),
});

/**
 * Embedding graph alignment of the pooled features. A student of another width
 * than the teacher (which the reference refuses) gets a linear embedding.
 */
export const ega: Method<z.infer<typeof params>> = {
  name: 'ega',
  params,
  needs: () => ({ teacher: new Set(['features']) }),
  init: ({ studentFeatureDim, teacherFeatureDim }, _params, rng) =>
    studentFeatureDim === teacherFeatureDim
      ? noHeads
      : linearHead('embed', studentFeatureDim, teacherFeatureDim, rng),
  loss: ({ student, teacher }, { trainable }, { edges }) => {
    const { features } = student;
    const target = teacher.features!;
    const own =
      features.shape[1] === target.shape[1]
        ? features
        : project(features, trainable, 'embed');
    return { loss: graphAlignment(own, target, edges) };
  },
};
