import type * as tf from '@tensorflow/tfjs-core';
import type { Rng } from '../data/rng.js';
import type { NamedHostTensors, NamedSpecs, NamedTensors } from '../tensors.js';

export type Mode = 'train' | 'eval';

/**
 * A network as data (names and shapes of its tensors) and one pure function.
 * Tensors keep their torch state_dict names and torch layouts everywhere: conv
 * weights [out, in, h, w], linear weights [out, in]. So a checkpoint is the
 * state as it is, and there is no second layout to confuse.
 */
export interface Network {
  readonly name: string;
  readonly classCount: number;
  /** Width of the pooled penultimate features. */
  readonly featureDim: number;
  /** Trainable tensors. */
  readonly parameters: NamedSpecs;
  /** Running statistics of batch norm (float32; `num_batches_tracked` is int32). */
  readonly buffers: NamedSpecs;
  /** Fresh parameters and buffers, drawn as the reference initialises them. */
  init(rng: Rng): NamedHostTensors;
  /**
   * @param tensors parameters and buffers by name
   * @param images float32 [N, H, W, 3], normalised
   * @param mode `train`: batch statistics, and new running statistics in
   *   `buffers`; `eval`: running statistics, `buffers` is empty
   */
  forward(
    tensors: NamedTensors,
    images: tf.Tensor4D,
    mode: Mode,
  ): NetworkOutput;
}

export interface NetworkOutput {
  /** Intermediate activations [N, H, W, C], in the reference's order. */
  readonly maps: readonly tf.Tensor4D[];
  /**
   * The maps in front of their ReLU, the stem's behind it, as the reference's
   * `preact` gives them. Computed when asked for: few methods do.
   */
  readonly preactivations: () => readonly tf.Tensor4D[];
  /** Pooled penultimate activations [N, featureDim]. */
  readonly features: tf.Tensor2D;
  /** [N, classCount] */
  readonly logits: tf.Tensor2D;
  /** Updated running statistics by name. */
  readonly buffers: NamedTensors;
}

/** Makes a network of the zoo for a number of classes. */
export type NetworkFactory = (classCount: number) => Network;
