import { z } from 'zod';
import { congruence } from '../losses/correlation.js';
import { joinHeads, linearHead, project } from './heads.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(0.02) });

/** Correlation congruence of linear embeddings, both of them trained. */
export const cc: Method<z.infer<typeof params>> = {
  name: 'cc',
  params,
  needs: () => ({ teacher: new Set(['features']) }),
  init: ({ studentFeatureDim, teacherFeatureDim, featDim }, _params, rng) =>
    joinHeads([
      linearHead('embed', studentFeatureDim, featDim, rng),
      linearHead('embedTeacher', teacherFeatureDim, featDim, rng),
    ]),
  loss: ({ student, teacher }, { trainable }) => ({
    loss: congruence(
      project(student.features, trainable, 'embed'),
      project(teacher.features!, trainable, 'embedTeacher'),
    ),
  }),
};
