import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from './data/rng.js';
import { constant } from './ops/constant.js';
import { l2Normalize } from './ops/l2-normalize.js';
import { drawTensor, type HostTensor } from './tensors.js';

/**
 * A memory of one embedding per sample of the train split, as CRD has it
 * (Tian et al., arXiv 1910.10699): rows [n, d] that lie in the step's state.
 */

/** Rows from U(-1, 1) / sqrt(d / 3), so that their mean square length is 1. */
export function initMemory(
  sampleCount: number,
  featDim: number,
  rng: Rng,
): HostTensor {
  const bound = 1 / Math.sqrt(featDim / 3);
  const next = () => (2 * rng.uniform() - 1) * bound;
  return drawTensor([sampleCount, featDim], next);
}

/**
 * Inner products of embeddings with rows of the memory, a constant.
 *
 * @param embeddings [N, d]
 * @param samples which rows for each embedding, int32 [N, M]
 * @returns [N, M]
 */
export function scoresInMemory(
  memory: tf.Tensor,
  embeddings: tf.Tensor2D,
  samples: tf.Tensor2D,
): tf.Tensor2D {
  const rows = constant(() => tf.gather(memory as tf.Tensor2D, samples)); // [N, M, d]
  const products = tf.matMul(rows, tf.expandDims(embeddings, 2)); // [N, M, 1]
  return tf.squeeze(products, [2]);
}

/**
 * The memory after a step: of each sample of the batch the old row moved
 * towards its embedding, v = normalise(momentum v + (1 - momentum) f).
 *
 * @param memory [n, d]
 * @param samples numbers of the batch's samples, all different. int32 [N]
 * @param embeddings [N, d]
 */
export function updateMemory(
  memory: tf.Tensor,
  samples: tf.Tensor1D,
  embeddings: tf.Tensor2D,
  momentum: number,
): tf.Tensor2D {
  return constant(() => {
    const old = tf.gather(memory as tf.Tensor2D, samples); // [N, d]
    const blend = tf.add<tf.Tensor2D>(
      tf.mul(old, momentum),
      tf.mul(embeddings, 1 - momentum),
    );
    // One product with 0 and 1 places the rows: no engine need scatter.
    const places = tf.oneHot(samples, memory.shape[0], 1, 0, 'float32');
    const placed = tf.matMul(places, l2Normalize(blend), true); // [n, d]
    const others = tf.sub(1, tf.sum(places, 0)); // [n]
    return tf.add(tf.mul(memory, tf.expandDims(others, 1)), placed);
  });
}

/**
 * CRD's normaliser Z, an estimate of n times the mean of exp(score / T) that
 * is made once, from the first batch.
 *
 * @param current scalar, at most 0 as long as there is none
 * @param exponentials [N, M] of this batch
 */
export function normalizerOf(
  current: tf.Tensor,
  exponentials: tf.Tensor2D,
  sampleCount: number,
): tf.Tensor {
  return constant(() => {
    const own = tf.mul(tf.mean(exponentials), sampleCount);
    return tf.where(tf.greater(current, 0), current, own);
  });
}
