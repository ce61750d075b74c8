import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { flowLoss, type Flow } from '../losses/flow.js';
import { noHeads } from './heads.js';
import { needsMaps, pairs, requireAlike, sumOf } from './maps.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({ weight: weightOf(50) });

/**
 * Flow of the solution procedure, summed over consecutive maps. Student and
 * teacher need maps of as many channels.
 *
 * The paper learns the flow first and the task after that; here both are
 * learnt together, there is no stage before the run.
 */
export const fsp: Method<z.infer<typeof params>> = {
  name: 'fsp',
  params,
  needs: () => ({
    ...needsMaps('all'),
    stageBefore: 'the first layers by the flow alone',
  }),
  init: ({ studentMaps, teacherMaps }) => {
    requireAlike('fsp', [studentMaps, teacherMaps], ([, , width]) => [width]);
    return noHeads;
  },
  loss: ({ student, teacher }) => ({
    loss: sumOf(
      pairs(flowsOf(student.maps), flowsOf(teacher.maps!)).map(([s, t]) =>
        flowLoss(s, t),
      ),
    ),
  }),
};

function flowsOf(maps: readonly tf.Tensor4D[]): Flow[] {
  return maps.slice(1).map((map, i): Flow => [maps[i]!, map]);
}
