import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Rng } from '../data/rng.js';
import { factorTransfer } from '../losses/factor.js';
import { batchNorm } from '../ops/batch-norm.js';
import { constant } from '../ops/constant.js';
import { conv } from '../ops/conv.js';
import type { NamedTensors } from '../tensors.js';
import { batchNormHead, convHead, joinHeads, noHeads } from './heads.js';
import { needsMaps, shapeAt } from './maps.js';
import {
  stageEpochs,
  stageLearningRate,
  weightOf,
  type Method,
} from './method.js';

const params = z.strictObject({
  weight: weightOf(200),
  /** Compare the maps themselves, or factors made of them. */
  factors: z.enum(['translated', 'none']).default('translated'),
  /** Channels of a factor for each channel of the teacher's map. */
  rate: z.number().positive().max(1).default(0.5),
  /** The published numbers of this and other methods are with `attention`. */
  view: z.enum(['attention', 'whole']).default('attention'),
  stageEpochs,
  stageLearningRate: stageLearningRate.default(0.01),
});

const slope = 0.1;

/** The three convolutions of either encoder, by their names in torch. */
const layers = [0, 3, 6] as const;

/**
 * Factor transfer of the last map: a translator makes a factor of the student's
 * map, the paraphraser one of the teacher's.
 *
 * A stage before the run trains the paraphraser, with a decoder behind it, to
 * restore the teacher's map; with `stageEpochs: 0` it keeps its first weights.
 */
export const ft: Method<z.infer<typeof params>> = {
  name: 'ft',
  params,
  needs: () => needsMaps(-1),
  init: ({ studentMaps, teacherMaps }, params, rng) => {
    const { factors, rate } = params;
    if (factors === 'none') return noHeads;
    const own = shapeAt(studentMaps, -1)[2];
    const target = shapeAt(teacherMaps, -1)[2];
    const factor = Math.max(1, Math.floor(target * rate));
    const convs = (name: string, width: number) =>
      layers.map((layer, i) => {
        const [input, output] = [width, width, factor, factor].slice(i);
        const shape = [output!, input!, 3, 3];
        return convHead(`${name}.${layer}`, shape, output!, rng);
      });
    const norms = layers.map((layer, i) =>
      batchNormHead(`translator.${layer + 1}`, i < 1 ? own : factor, rng),
    );
    const paraphraser = joinHeads(convs('paraphraser', target)).trainable;
    const decoder =
      params.stageEpochs > 0 ? decoderOf(target, factor, rng) : {};
    return joinHeads([
      ...convs('translator', own),
      ...norms,
      { trainable: {}, buffers: { ...paraphraser, ...decoder } },
    ]);
  },
  loss: ({ student, teacher }, state, { factors, view }) => {
    const [own, target] = [student.maps.at(-1)!, teacher.maps!.at(-1)!];
    if (factors === 'none') return { loss: factorTransfer(own, target, view) };
    const tensors = { ...state.buffers, ...state.trainable };
    const { factor, buffers } = translate(own, tensors);
    const paraphrased = constant(() => paraphrase(target, tensors));
    return { loss: factorTransfer(factor, paraphrased, view), buffers };
  },
  stage: {
    epochs: ({ factors, stageEpochs: epochs }) =>
      factors === 'none' ? 0 : epochs,
    learningRate: (params) => params.stageLearningRate,
    student: false,
    learns: (tensor) => /^(paraphraser|decoder)\./.test(tensor),
    inRun: () => true,
    loss: ({ teacher }, { buffers }) => {
      const map = teacher.maps!.at(-1)!;
      const restored = restore(paraphrase(map, buffers), buffers);
      return { loss: tf.mean<tf.Scalar>(tf.squaredDifference(restored, map)) };
    },
  },
};

/** The paraphraser's way back: convolutions from a factor's channels. */
function decoderOf(target: number, factor: number, rng: Rng) {
  const convs = layers.map((layer, i) => {
    const [input, output] = [factor, factor, target, target].slice(i);
    const shape = [output!, input!, 3, 3];
    return convHead(`decoder.${layer}`, shape, output!, rng);
  });
  return joinHeads(convs).trainable;
}

function restore(factor: tf.Tensor4D, tensors: NamedTensors): tf.Tensor4D {
  return layers.reduce(
    (input, layer) => leaky(convolve(input, tensors, `decoder.${layer}`)),
    factor,
  );
}

function convolve(x: tf.Tensor4D, tensors: NamedTensors, name: string) {
  const weighted = conv(x, tensors[`${name}.weight`]!);
  return tf.add<tf.Tensor4D>(weighted, tensors[`${name}.bias`]!);
}

function leaky(x: tf.Tensor4D): tf.Tensor4D {
  return tf.maximum(x, tf.mul(x, slope));
}

function translate(x: tf.Tensor4D, tensors: NamedTensors) {
  const buffers: Record<string, tf.Tensor> = {};
  const factor = layers.reduce((input, layer) => {
    const weighted = convolve(input, tensors, `translator.${layer}`);
    const name = `translator.${layer + 1}`;
    const normalized = batchNorm(weighted, tensors, name, 'train');
    Object.assign(buffers, normalized.buffers);
    return leaky(normalized.output);
  }, x);
  return { factor, buffers };
}

function paraphrase(x: tf.Tensor4D, tensors: NamedTensors): tf.Tensor4D {
  return layers.reduce(
    (input, layer) => leaky(convolve(input, tensors, `paraphraser.${layer}`)),
    x,
  );
}
