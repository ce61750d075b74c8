import * as tf from '@tensorflow/tfjs-core';
import { constant } from './constant.js';
import { l2Normalize } from './l2-normalize.js';

/**
 * Enough for a ratio of 1 - 1e-5 between two squared singular values: the power
 * of the matrix is 2^22.
 */
const squarings = 22;

/** Enough for gaps of 1e-4 of the largest squared singular value. */
const newtonSteps = 30;

/**
 * Right singular vectors of the `count` largest singular values, each up to its
 * sign. A constant; in matrix products only, so that any engine can trace it.
 *
 * (Products of a column and a row are broadcast: the wasm backend remembers the
 * right operand of a matrix product by its memory, whatever its shape, so one
 * vector must not stand there both as a row and as a column.)
 *
 * @param x [N, P, C]
 * @returns [N, count, C]
 */
export function singularVectors(x: tf.Tensor3D, count: number): tf.Tensor3D {
  return constant(() => {
    const vectors: tf.Tensor2D[] = [];
    let rest = x;
    for (let i = 0; i < count; i++) {
      const vector = dominantVector(rest);
      const row = tf.expandDims(vector, 1); // [N, 1, C]
      const along = tf.matMul(rest, row, false, true); // [N, P, 1]
      rest = tf.sub(rest, tf.mul(along, row));
      vectors.push(vector);
    }
    return tf.stack(vectors, 1) as tf.Tensor3D;
  });
}

/** By squaring X^T X until nothing is left but its largest part. */
function dominantVector(x: tf.Tensor3D): tf.Tensor2D {
  const identity = tf.eye(x.shape[2]);
  let power = toTraceOne(tf.matMul(x, x, true), identity); // [N, C, C]
  for (let i = 0; i < squarings; i++) {
    power = toTraceOne(tf.matMul(power, power), identity);
  }
  // v v^T by now: its longest column is the safest.
  const squares = tf.sum(tf.mul(power, identity), 2); // [N, C]
  const longest = tf.oneHot(tf.argMax(squares, 1), x.shape[2]);
  const column = tf.expandDims(tf.cast(longest, 'float32'), 2);
  return l2Normalize(tf.squeeze(tf.matMul(power, column), [2]));
}

function toTraceOne(matrix: tf.Tensor3D, identity: tf.Tensor2D): tf.Tensor3D {
  const trace = tf.sum(tf.mul(matrix, identity), [1, 2], true);
  return tf.div(matrix, tf.maximum(trace, 1e-30));
}

/**
 * Of the right singular vectors of the `count` largest singular values, the one
 * that is closest to a target up to its sign, with the target's sign.
 *
 * @param x [N, P, C]
 * @param target [N, C], a constant
 * @returns [N, C]
 */
export function alignedSingularVector(
  x: tf.Tensor3D,
  target: tf.Tensor2D,
  count: number,
): tf.Tensor2D {
  const aligned = tf.customGrad((input, save) => {
    const given = input as tf.Tensor3D;
    const vectors = singularVectors(given, count); // [N, count, C]
    const column = tf.expandDims(target, 2); // [N, C, 1]
    const cosines = tf.squeeze(tf.matMul(vectors, column), [2]); // [N, count]
    const closeness = tf.abs(cosines);
    const closest = tf.equal(closeness, tf.max(closeness, 1, true));
    const chosen = tf.mul(tf.cast(closest, 'float32'), tf.sign(cosines));
    const row = tf.expandDims<tf.Tensor3D>(chosen, 1); // [N, 1, count]
    const value = tf.squeeze<tf.Tensor2D>(tf.matMul(row, vectors), [1]);
    (save as tf.GradSaveFunc)([given, value]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, v] = saved as [tf.Tensor3D, tf.Tensor2D];
      return tf.tidy(() => gradientOf(x, v, dy as tf.Tensor2D));
    };
    return { value, gradFunc };
  });
  return aligned(x);
}

/**
 * With G = X^T X and G v = lambda v,
 *
 *   dv = (lambda - G)^+ dG v
 *   dX = X (w v^T + v w^T)   where w = (lambda - G)^+ g
 *
 * @param g the gradient by v [N, C]
 */
function gradientOf(x: tf.Tensor3D, v: tf.Tensor2D, g: tf.Tensor2D): tf.Tensor {
  const row = tf.expandDims<tf.Tensor3D>(v, 1); // [N, 1, C]
  const column = tf.expandDims<tf.Tensor3D>(v, 2); // [N, C, 1]
  const trace = tf.sum(tf.square(x), [1, 2], true); // [N, 1, 1]
  const gram = tf.div<tf.Tensor3D>(tf.matMul(x, x, true), trace);
  const squares = tf.sum(tf.square(tf.matMul(x, column)), [1, 2], true);
  const lambda = tf.div(squares, trace);
  const projector = tf.mul<tf.Tensor3D>(column, row); // [N, C, C]
  // v itself gets lambda instead of 0, so that there is an inverse.
  const shifted = tf.mul(tf.add(tf.eye(v.shape[1]), projector), lambda);
  const matrix = tf.sub<tf.Tensor3D>(shifted, gram);
  const direct = tf.expandDims<tf.Tensor3D>(g, 2);
  const across = tf.sub<tf.Tensor3D>(direct, tf.matMul(projector, direct));
  const w = tf.div<tf.Tensor3D>(solve(matrix, across), trace); // [N, C, 1]
  const wv = tf.mul<tf.Tensor3D>(w, row); // [N, C, C]
  return tf.matMul(x, tf.add(wv, tf.transpose(wv, [0, 2, 1])));
}

/**
 * Solves symmetric systems A w = b by Newton's iteration for the inverse, Y <-
 * Y (2 - A Y), which converges from A / |A|^2 on, and two refinements.
 */
function solve(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor3D {
  const identity = tf.eye(a.shape[1]);
  let inverse = tf.div<tf.Tensor3D>(a, tf.sum(tf.square(a), [1, 2], true));
  for (let i = 0; i < newtonSteps; i++) {
    const rest = tf.sub(tf.mul(identity, 2), tf.matMul(a, inverse));
    inverse = tf.matMul(inverse, rest);
  }
  let w: tf.Tensor3D = tf.matMul(inverse, b);
  for (let i = 0; i < 2; i++) {
    const missing = tf.sub<tf.Tensor3D>(b, tf.matMul(a, w));
    w = tf.add<tf.Tensor3D>(w, tf.matMul(inverse, missing));
  }
  return w;
}
