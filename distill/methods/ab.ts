import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { boundary } from '../losses/boundary.js';
import { batchNorm } from '../ops/batch-norm.js';
import { conv } from '../ops/conv.js';
import type { NamedTensors } from '../tensors.js';
import { batchNormHead, convHead, joinHeads, noHeads } from './heads.js';
import { ofStages, pairs, requireAlike, sumOf } from './maps.js';
import {
  stageEpochs,
  stageLearningRate,
  weightOf,
  type Method,
  type MethodInputs,
} from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** `none` for maps that have the same shapes already. */
  connectors: z.enum(['conv', 'none']).default('conv'),
  stageEpochs,
  stageLearningRate: stageLearningRate.optional(),
  /** Keep the term in the run, behind the stage. */
  inRun: z.boolean().default(false),
});

/** Brings the sum over a map's units to the size of other losses. */
const scale = 3 / 1000;

/**
 * Activation boundaries of the stages: the last one counts full, each one
 * before it half as much as the next. The student's pre-activations go through
 * a 1 x 1 convolution and batch norm to the teacher's channels.
 *
 * The boundaries are learnt in a stage before the run, the task after that; with
 * `stageEpochs: 0` both are learnt together.
 */
export const ab: Method<z.infer<typeof params>> = {
  name: 'ab',
  params,
  needs: () => ({
    teacher: new Set(),
    maps: [{ kind: 'preactivations', which: 'stages' }],
  }),
  init: ({ studentMaps, teacherMaps }, { connectors }, rng) => {
    const sides = [ofStages(studentMaps), ofStages(teacherMaps)] as const;
    requireAlike('ab', sides, (shape) =>
      connectors === 'none' ? shape : shape.slice(0, 2),
    );
    if (connectors === 'none') return noHeads;
    const stages = pairs(...sides);
    const heads = stages.flatMap(([[, , input], [, , output]], i) => {
      const name = `connectors.${i}`;
      const weight = [output, input, 1, 1];
      return [
        convHead(`${name}.conv`, weight, output, rng),
        batchNormHead(`${name}.bn`, output, rng),
      ];
    });
    return joinHeads(heads);
  },
  loss: (inputs, { trainable, buffers }, { connectors }) => {
    const tensors = { ...buffers, ...trainable };
    const after: Record<string, tf.Tensor> = {};
    const stages = stagesOf(inputs);
    const losses = stages.map(([own, target], i) => {
      const connect = () => {
        const connected = connector(own, tensors, `connectors.${i}`);
        Object.assign(after, connected.buffers);
        return connected.output;
      };
      const student = connectors === 'none' ? own : connect();
      const share = 2 ** (i + 1 - stages.length);
      return tf.mul<tf.Scalar>(boundary(student, target), share * scale);
    });
    return { loss: sumOf(losses), buffers: after };
  },
  stage: {
    epochs: (params) => params.stageEpochs,
    learningRate: (params) => params.stageLearningRate,
    student: true,
    learns: (tensor) => /\.(weight|bias)$/.test(tensor),
    inRun: (params) => params.inRun,
    loss: ({ student, ...inputs }, state, params) =>
      ab.loss({ ...inputs, student: student! }, state, params),
  },
};

function stagesOf({ student, teacher }: MethodInputs) {
  return pairs(
    ofStages(student.preactivations()),
    ofStages(teacher.preactivations),
  );
}

function connector(x: tf.Tensor4D, tensors: NamedTensors, name: string) {
  const weighted = conv(x, tensors[`${name}.conv.weight`]!);
  const input = tf.add<tf.Tensor4D>(weighted, tensors[`${name}.conv.bias`]!);
  return batchNorm(input, tensors, `${name}.bn`, 'train');
}
