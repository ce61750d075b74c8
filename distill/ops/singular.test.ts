import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { alignedSingularVector, singularVectors } from './singular.js';

const x = randomTensor<tf.Tensor3D>([2, 7, 4], 'x');

describe('singularVectors', () => {
  it('finds those of a diagonal matrix, the largest value first', () => {
    const diagonal = tf.tensor3d([2, 0, 0, 0, 0, 5, 0, 3, 0], [1, 3, 3]);
    const vectors = tf.abs(singularVectors(diagonal, 3));
    expectClose(vectors, [0, 0, 1, 0, 1, 0, 1, 0, 0], 1e-6);
  });

  it('diagonalises X^T X', () => {
    const vectors = singularVectors(x, 4);
    const along = tf.matMul(x, vectors, false, true); // [2, 7, 4]
    const gram = tf.matMul(along, along, true).arraySync() as number[][][];
    for (const matrix of gram) {
      matrix.forEach((row, i) =>
        row.forEach((value, j) => {
          if (i !== j) expect(Math.abs(value)).toBeLessThan(1e-4);
          if (i > 0) expect(row[i]).toBeLessThan(matrix[i - 1]![i - 1]!);
        }),
      );
    }
  });

  it('gives zeros where the rank is used up', () => {
    const flat = tf.ones<tf.Rank.R3>([1, 3, 2]);
    const vectors = singularVectors(flat, 2).dataSync();
    expectClose(Array.from(vectors, Math.abs).slice(0, 2), [
      0.5 ** 0.5,
      0.5 ** 0.5,
    ]);
    expect([...vectors].every(Number.isFinite)).toBe(true);
  });
});

describe('alignedSingularVector', () => {
  it('does with a single candidate', () => {
    const one = tf.tensor3d([3, 4], [1, 1, 2]);
    const target = tf.tensor2d([[-1, 0]]);
    expectClose(alignedSingularVector(one, target, 1), [-0.6, -0.8], 1e-6);
  });

  it.each([0, 1, 2])('differentiates vector %i', (index) => {
    const all = singularVectors(x, 3);
    const target = tf.squeeze<tf.Tensor2D>(
      tf.slice(all, [0, index, 0], [2, 1, 4]),
      [1],
    );
    const mix = randomTensor([2, 4], 'mix');
    expectClose(alignedSingularVector(x, target, 3), target, 1e-6);
    const lossOf = (input: tf.Tensor3D) =>
      tf.sum<tf.Scalar>(tf.mul(alignedSingularVector(input, target, 3), mix));
    expectGradient(lossOf, x, 5e-3);
  });

  it('takes the sign of its target', () => {
    const [first] = tf.unstack(singularVectors(x, 1), 1) as [tf.Tensor2D];
    const turned = tf.neg<tf.Tensor2D>(first);
    expectClose(alignedSingularVector(x, turned, 3), turned, 1e-6);
  });
});
