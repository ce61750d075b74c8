import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { batchNorm } from '../ops/batch-norm.js';
import { constant } from '../ops/constant.js';
import { conv } from '../ops/conv.js';
import type { NamedTensors } from '../tensors.js';
import { batchNormHead, convHead, joinHeads, noHeads } from './heads.js';
import { MapMismatchError, needsMaps, shapeAt } from './maps.js';
import { weightOf, type MapShape, type Method } from './method.js';

const params = z.strictObject({
  weight: weightOf(100),
  /** Which map is the hint; the stem's is 0. */
  layer: z.number().int().nonnegative().default(2),
  /** `none` for maps that have the same shape already. */
  regressor: z.enum(['conv', 'none']).default('conv'),
});

/**
 * FitNet (Romero et al., arXiv 1412.6550): the mean square of the difference of
 * two maps, the student's behind a convolution, batch norm and ReLU that give
 * it the teacher's shape.
 */
export const fitnet: Method<z.infer<typeof params>> = {
  name: 'fitnet',
  params,
  needs: ({ layer }) => needsMaps(layer),
  init: ({ studentMaps, teacherMaps }, { layer, regressor }, rng) => {
    if (regressor === 'none') return noHeads;
    const [own, target] = [studentMaps, teacherMaps].map((maps) =>
      shapeAt(maps, layer),
    ) as [MapShape, MapShape];
    return joinHeads([
      convHead('conv', weightShape(own, target), target[2], rng),
      batchNormHead('bn', target[2], rng),
    ]);
  },
  loss: ({ student, teacher }, state, { layer, regressor }) => {
    const [own, target] = [student.maps[layer]!, teacher.maps![layer]!];
    if (regressor === 'none') return { loss: meanSquare(own, target) };
    const tensors = { ...state.buffers, ...state.trainable };
    const resized = resize(own, target.shape, tensors);
    const { output, buffers } = batchNorm(resized, tensors, 'bn', 'train');
    return { loss: meanSquare(tf.relu(output), target), buffers };
  },
};

function meanSquare(own: tf.Tensor4D, target: tf.Tensor4D): tf.Scalar {
  const difference = tf.sub(
    own,
    constant(() => target),
  );
  return tf.mean(tf.square(difference));
}

type Resizing = 'halve' | 'double' | 'crop';

function resizing(from: number, to: number): Resizing {
  if (from === 2 * to) return 'halve';
  if (2 * from === to) return 'double';
  if (from >= to) return 'crop';
  throw new MapMismatchError(
    `fitnet: no regressor from maps ${from} high to ${to}`,
  );
}

/** In torch's layouts, [out, in, h, w], but [in, out, h, w] to double. */
function weightShape(from: MapShape, to: MapShape): number[] {
  const [input, output] = [from[2], to[2]];
  switch (resizing(from[0], to[0])) {
    case 'halve':
      return [output, input, 3, 3];
    case 'double':
      return [input, output, 4, 4];
    case 'crop':
      return [output, input, 1 + from[0] - to[0], 1 + from[1] - to[1]];
  }
}

function resize(
  x: tf.Tensor4D,
  target: readonly number[],
  tensors: NamedTensors,
): tf.Tensor4D {
  const weight = tensors['conv.weight']!;
  // [h, w, in, out]; [h, w, out, in] to double
  const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;
  const shape = [x.shape[0], ...target.slice(1)] as tf.Tensor4D['shape'];
  const convolve = () => {
    switch (resizing(x.shape[1], shape[1])) {
      case 'halve':
        return conv(x, weight, 2);
      case 'double':
        return tf.conv2dTranspose(x, filter, shape, 2, 'same');
      case 'crop':
        return tf.conv2d(x, filter, 1, 'valid');
    }
  };
  return tf.add(convolve(), tensors['conv.bias']!);
}
