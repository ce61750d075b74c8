import { z } from 'zod';
import { selectivity } from '../losses/selectivity.js';
import { noHeads } from './heads.js';
import { needsMaps, ofStages, pairs, sumOf } from './maps.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(50) });

/** Neuron selectivity transfer, summed over the stages. */
export const nst: Method<z.infer<typeof params>> = {
  name: 'nst',
  params,
  needs: () => needsMaps('stages'),
  init: () => noHeads,
  loss: ({ student, teacher }) => ({
    loss: sumOf(
      pairs(ofStages(student.maps), ofStages(teacher.maps)).map(([s, t]) =>
        selectivity(s, t),
      ),
    ),
  }),
};
