import * as tf from '@tensorflow/tfjs-core';
import { constant } from '../ops/constant.js';

/** How much the two parts count; the paper's are 25 and 50. */
export interface RelationWeights {
  readonly distance: number;
  readonly angle: number;
}

/** Squared distances are never taken to be smaller than this. */
const minimalSquare = 1e-12;

/**
 * Relational knowledge distillation (Park et al., arXiv 1904.05068):
 * distances between samples, in units of their mean, and the cosines of the
 * angles that three samples make shall be the teacher's, by Huber's loss.
 *
 * Holds [N, N, d] and [N, N, N].
 *
 * @param student [N, d]
 * @param teacher [N, e], a constant
 */
export function relations(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  { distance, angle }: RelationWeights,
): tf.Scalar {
  const distances = huber(
    relativeDistances(student),
    constant(() => relativeDistances(teacher)),
  );
  const angles = huber(
    cosines(student),
    constant(() => cosines(teacher)),
  );
  return tf.add(tf.mul(distances, distance), tf.mul(angles, angle));
}

/** x_j - x_i, [N, N, d] */
function differences(x: tf.Tensor2D): tf.Tensor3D {
  return tf.sub(tf.expandDims(x, 0), tf.expandDims(x, 1));
}

function lengths(edges: tf.Tensor3D): tf.Tensor {
  const squares = tf.sum(tf.square(edges), 2); // [N, N]
  return tf.sqrt(tf.maximum(squares, minimalSquare));
}

/** |x_j - x_i| over the mean of all pairs; 0 on the diagonal. [N, N] */
function relativeDistances(x: tf.Tensor2D): tf.Tensor {
  const count = x.shape[0];
  const pairs = tf.sub(1, tf.eye(count));
  const distances = tf.mul(lengths(differences(x)), pairs);
  const total = tf.sum(distances);
  return tf.div(tf.mul(distances, count * (count - 1)), total);
}

/** cos of the angle at sample i between samples j and k, [N, N, N] */
function cosines(x: tf.Tensor2D): tf.Tensor3D {
  const edges = differences(x);
  const unit = tf.div<tf.Tensor3D>(edges, tf.expandDims(lengths(edges), 2));
  return tf.matMul(unit, unit, false, true);
}

/** Huber's loss with its bend at 1, as a mean. */
function huber(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  const error = tf.abs(tf.sub(a, b));
  const inner = tf.minimum(error, 1);
  // e^2 / 2 up to 1, then e - 1/2: both are inner (e - inner / 2).
  return tf.mean(tf.mul(inner, tf.sub(error, tf.div(inner, 2))));
}
