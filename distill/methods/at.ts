import { z } from 'zod';
import { attentionTransfer } from '../losses/attention.js';
import { noHeads } from './heads.js';
import { needsMaps, ofStages, pairs, sumOf } from './maps.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(1000) });

/** Attention transfer, summed over the stages. */
export const at: Method<z.infer<typeof params>> = {
  name: 'at',
  params,
  needs: () => needsMaps('stages'),
  init: () => noHeads,
  loss: ({ student, teacher }) => ({
    loss: sumOf(
      pairs(ofStages(student.maps), ofStages(teacher.maps)).map(([s, t]) =>
        attentionTransfer(s, t),
      ),
    ),
  }),
};
