import { z } from 'zod';
import { singularFlow } from '../losses/singular-flow.js';
import { noHeads } from './heads.js';
import { needsMaps, ofStages, requireAlike, sumOf } from './maps.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(1) });

/**
 * Distillation of singular vectors of consecutive stages. Student and teacher
 * need maps of as many channels.
 */
export const kdsvd: Method<z.infer<typeof params>> = {
  name: 'kdsvd',
  params,
  needs: () => needsMaps('stages'),
  init: ({ studentMaps, teacherMaps }) => {
    const sides = [ofStages(studentMaps), ofStages(teacherMaps)] as const;
    requireAlike('kdsvd', sides, ([, , width]) => [width]);
    return noHeads;
  },
  loss: ({ student, teacher }) => ({
    loss: sumOf(singularFlow(ofStages(student.maps), ofStages(teacher.maps))),
  }),
};
