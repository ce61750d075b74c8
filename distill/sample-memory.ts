import * as tf from '@tensorflow/tfjs-core';
import { rngFrom } from './data/rng.js';
import { constant } from './ops/constant.js';
import type { QueueSnapshot } from './queue.js';
import { drawTensor } from './tensors.js';

/**
 * A memory of one embedding per sample of the train split, as CRD has it
 * (Tian et al., arXiv 1910.10699).
 */

/** What a memory is at version 0. */
export interface MemoryOptions {
  /** Samples of the train split (n). */
  readonly capacity: number;
  /** Width of a row (d). */
  readonly featDim: number;
  readonly seed: number;
}

/**
 * The rows [n, d] by sample. The bank moves them; a student's mirror puts the
 * moved rows where they belong, and has the same bytes.
 */
export class SampleMemory {
  readonly featDim: number;
  /** The live rows [capacity, featDim]: read only, not a copy. */
  readonly rows: Float32Array;
  #version: number;

  /** Rows from U(-1, 1) / sqrt(d / 3): their mean square length is 1. */
  static create({ capacity, featDim, seed }: MemoryOptions): SampleMemory {
    const rng = rngFrom(seed, 'memory');
    const bound = 1 / Math.sqrt(featDim / 3);
    const next = () => (2 * rng.uniform() - 1) * bound;
    const { data: rows } = drawTensor([capacity, featDim], next);
    return SampleMemory.adopt({ rows, featDim, version: 0 });
  }

  /** Goes on from a snapshot, whose rows are the memory's own from here on. */
  static adopt(snapshot: Omit<QueueSnapshot, 'pointer'>): SampleMemory {
    return new SampleMemory(snapshot);
  }

  private constructor(snapshot: Omit<QueueSnapshot, 'pointer'>) {
    this.rows = snapshot.rows;
    this.featDim = snapshot.featDim;
    this.#version = snapshot.version;
  }

  get capacity(): number {
    return this.rows.length / this.featDim;
  }

  get version(): number {
    return this.#version;
  }

  /** No row is the next: they have their samples. */
  get pointer(): number {
    return 0;
  }

  /**
   * Commits a batch as the next version: of each sample the old row moves
   * towards its embedding, v = normalise(momentum v + (1 - momentum) f).
   * @param samples all different
   * @param embeddings [samples.length, featDim]
   * @param momentum share of the old row; at least 0 and less than 1
   * @returns the moved rows, in the batch's order
   */
  move(
    samples: readonly number[],
    embeddings: Float32Array,
    momentum: number,
  ): Float32Array {
    const { featDim, rows } = this;
    const moved = new Float32Array(embeddings.length);
    samples.forEach((sample, row) => {
      const [to, from] = [row * featDim, sample * featDim];
      let squares = 0;
      for (let i = 0; i < featDim; i++) {
        const old = momentum * rows[from + i]!;
        const value = old + (1 - momentum) * embeddings[to + i]!;
        moved[to + i] = value;
        squares += value * value;
      }
      const norm = Math.max(Math.sqrt(squares), 1e-12);
      for (let i = to; i < to + featDim; i++) moved[i]! /= norm;
    });
    this.put(samples, moved);
    return moved;
  }

  /**
   * Commits rows that were moved elsewhere as the next version.
   * @param rows [samples.length, featDim]
   */
  put(samples: readonly number[], rows: Float32Array): void {
    const { featDim } = this;
    samples.forEach((sample, row) => {
      const start = row * featDim;
      const moved = rows.subarray(start, start + featDim);
      this.rows.set(moved, sample * featDim);
    });
    this.#version++;
  }

  /** A copy of the whole content. */
  snapshot(): QueueSnapshot {
    const { featDim, pointer, version } = this;
    return { rows: this.rows.slice(), featDim, pointer, version };
  }
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
