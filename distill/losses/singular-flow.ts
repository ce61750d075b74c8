import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';
import { alignedSingularVector, singularVectors } from '../ops/singular.js';

/** Singular vectors of the student among which the teacher's is looked for. */
const candidates = 4;

/**
 * Self-supervised distillation by singular vectors (Lee et al., arXiv
 * 1807.06819) with one vector per map, as the reference has it. A map's vector
 * v [C] is the right singular vector of its pixels [H W, C] with the largest
 * singular value; the student's is the one of its four first that comes
 * closest to the teacher's. Of consecutive maps,
 *
 *   (1/N) sum (R(v_s, v_s') - R(v_t, v_t'))^2,  R(v, v')[c, c'] = exp(-(v_c - v'_c')^2 / 8)
 *
 * The sign of a singular vector is open, and R depends on it: here the sum of
 * a teacher's vector is not negative (maps behind a ReLU have vectors of one
 * sign).
 *
 * @param students [N, H, W, C], with as many channels as the teacher's
 * @param teachers constants
 * @param signs turns the teacher's vectors, map by map: +1 or -1
 * @returns the loss of each pair of consecutive maps
 */
export function singularFlow(
  students: readonly tf.Tensor4D[],
  teachers: readonly tf.Tensor4D[],
  signs: readonly number[] = teachers.map(() => 1),
): tf.Scalar[] {
  const targets = teachers.map((map, i) =>
    constant(() => tf.mul<tf.Tensor2D>(orientedVector(map), signs[i]!)),
  );
  const own = students.map((map, i) => {
    const [, height, width, channels] = map.shape;
    const count = Math.min(candidates, height * width, channels);
    return alignedSingularVector(pixelsOf(map), targets[i]!, count);
  });
  return own.slice(1).map((vector, i) => {
    const target = constant(() => kernel(targets[i + 1]!, targets[i]!));
    const difference = tf.sub(kernel(vector, own[i]!), target);
    return tf.div(tf.sum(tf.square(difference)), vector.shape[0]);
  });
}

/** [N, H, W, C] to [N, H W, C] */
function pixelsOf(map: tf.Tensor4D): tf.Tensor3D {
  const [count, height, width, channels] = map.shape;
  return tf.reshape(map, [count, height * width, channels]);
}

function orientedVector(map: tf.Tensor4D): tf.Tensor2D {
  const [vector] = tf.unstack(singularVectors(pixelsOf(map), 1), 1) as [
    tf.Tensor2D,
  ];
  const isNegative = tf.step(tf.neg(tf.sum(vector, 1, true))); // [N, 1]
  return tf.mul(vector, tf.sub(1, tf.mul(isNegative, 2)));
}

/** [N, C, C'] */
function kernel(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor {
  const differences = tf.sub(tf.expandDims(a, 2), tf.expandDims(b, 1));
  return tf.exp(tf.div(tf.square(differences), -8));
}
