import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { flowLoss, type Flow } from '../losses/flow.js';
import { noHeads } from './heads.js';
import { needsMaps, pairs, requireAlike, sumOf } from './maps.js';
import {
  stageEpochs,
  stageLearningRate,
  weightOf,
  type Method,
} from './method.js';

const params = z.strictObject({
  weight: weightOf(50),
  stageEpochs,
  stageLearningRate: stageLearningRate.optional(),
  /** Keep the term in the run, behind the stage. */
  inRun: z.boolean().default(false),
});

/**
 * Flow of the solution procedure, summed over consecutive maps. Student and
 * teacher need maps of as many channels.
 *
 * The flow is learnt in a stage before the run, the task after that; with
 * `stageEpochs: 0` both are learnt together.
 */
export const fsp: Method<z.infer<typeof params>> = {
  name: 'fsp',
  params,
  needs: () => needsMaps('all'),
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
  stage: {
    epochs: (params) => params.stageEpochs,
    learningRate: (params) => params.stageLearningRate,
    student: true,
    learns: () => false,
    inRun: (params) => params.inRun,
    loss: ({ student, ...inputs }, state, params) =>
      fsp.loss({ ...inputs, student: student! }, state, params),
  },
};

function flowsOf(maps: readonly tf.Tensor4D[]): Flow[] {
  return maps.slice(1).map((map, i): Flow => [maps[i]!, map]);
}
