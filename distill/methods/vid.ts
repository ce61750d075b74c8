import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { scaleFor, variational } from '../losses/variational.js';
import { conv } from '../ops/conv.js';
import { poolToSmaller } from '../ops/pool.js';
import type { NamedTensors } from '../tensors.js';
import { convHead, joinHeads } from './heads.js';
import { needsMaps, ofStages, pairs, sumOf } from './maps.js';
import { weightOf, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(1),
  /** Of the prediction of every channel, before training. */
  initialVariance: z.number().positive().default(5),
});

/**
 * Variational information distillation, summed over the stages. The prediction
 * of the teacher's map is three 1 x 1 convolutions of the student's.
 */
export const vid: Method<z.infer<typeof params>> = {
  name: 'vid',
  params,
  needs: () => needsMaps('stages'),
  init: ({ studentMaps, teacherMaps }, { initialVariance }, rng) => {
    const stages = pairs(ofStages(studentMaps), ofStages(teacherMaps));
    const heads = stages.flatMap(([[, , input], [, , output]], i) => {
      const scale = new Float32Array(output).fill(scaleFor(initialVariance));
      const layer = (index: number, width: number) =>
        convHead(`${i}.regressor.${index}`, [output, width, 1, 1], 0, rng);
      return [
        layer(0, input),
        layer(2, output),
        layer(4, output),
        {
          trainable: { [`${i}.scale`]: { shape: [output], data: scale } },
          buffers: {},
        },
      ];
    });
    return joinHeads(heads);
  },
  loss: ({ student, teacher }, { trainable }) => {
    const stages = pairs(ofStages(student.maps), ofStages(teacher.maps));
    const losses = stages.map(([own, target], i) => {
      const [input, output] = poolToSmaller(own, target);
      const mean = regress(input, trainable, `${i}.regressor`);
      return variational(mean, output, trainable[`${i}.scale`]!);
    });
    return { loss: sumOf(losses) };
  },
};

function regress(
  x: tf.Tensor4D,
  tensors: NamedTensors,
  name: string,
): tf.Tensor4D {
  const hidden = tf.relu(conv(x, tensors[`${name}.0.weight`]!));
  const second = tf.relu(conv(hidden, tensors[`${name}.2.weight`]!));
  return conv(second, tensors[`${name}.4.weight`]!);
}
