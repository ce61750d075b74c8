import * as tf from '@tensorflow/tfjs-core';
import { batchNorm, type Tail } from '../ops/batch-norm.js';
import { linear } from '../ops/linear.js';
import type { NamedTensors } from '../tensors.js';
import type { Mode, NetworkOutput } from './network.js';

/** Applies the batch norm of that name, and what follows it. */
export type Norm = (x: tf.Tensor4D, name: string, tail?: Tail) => tf.Tensor4D;

/** How a residual block ends: max(norm(branch) + residual, 0). */
export type Junction = {
  readonly branch: tf.Tensor4D;
  readonly norm: string;
  readonly residual: tf.Tensor4D;
};

/** A residual block but for its end. */
export type Branches = (x: tf.Tensor4D, norm: Norm) => Junction;

/**
 * Runs parts of a network one after another. The intermediate tensors of each
 * are freed when it ends, but for what a gradient needs.
 */
export class Trunk {
  readonly #maps: tf.Tensor4D[] = [];
  /** See NetworkOutput.preactivations; one for each map. */
  readonly #preactivations: (() => tf.Tensor4D)[] = [];
  readonly #buffers: Record<string, tf.Tensor> = {};

  constructor(
    private readonly tensors: NamedTensors,
    private readonly mode: Mode,
  ) {}

  run<T extends tf.TensorContainer = tf.Tensor4D>(
    x: tf.Tensor4D,
    body: (x: tf.Tensor4D, norm: Norm) => T,
  ): T {
    const { output, buffers } = tf.tidy(() => {
      const buffers: Record<string, tf.Tensor> = {};
      const norm: Norm = (input, name, tail) => {
        const result = batchNorm(input, this.tensors, name, this.mode, tail);
        Object.assign(buffers, result.buffers);
        return result.output;
      };
      return { output: body(x, norm), buffers };
    });
    Object.assign(this.#buffers, buffers);
    return output;
  }

  /** A residual block. */
  runBlock(x: tf.Tensor4D, branches: Branches): tf.Tensor4D {
    return this.run(x, (input, norm) => join(branches(input, norm), norm));
  }

  /** The same, whose output is a map. */
  mapBlock(x: tf.Tensor4D, branches: Branches): tf.Tensor4D {
    const { branch, ...end } = this.run(x, branches);
    const output = this.run(branch, (input, norm) =>
      join({ branch: input, ...end }, norm),
    );
    this.map(output, () =>
      this.run(branch, (input, norm) =>
        tf.add(norm(input, end.norm), end.residual),
      ),
    );
    return output;
  }

  /** Notes a map; without `before`, it is its own preactivation. */
  map(map: tf.Tensor4D, before: () => tf.Tensor4D = () => map): void {
    this.#maps.push(map);
    this.#preactivations.push(before);
  }

  /** Global average pool and the classifier of that name. */
  finish(x: tf.Tensor4D, classifier: string): NetworkOutput {
    const features = tf.mean<tf.Tensor2D>(x, [1, 2]); // [N, C]
    const logits = linear(
      features,
      this.tensors[`${classifier}.weight`]!,
      this.tensors[`${classifier}.bias`]!,
    );
    return {
      maps: this.#maps,
      preactivations: () => this.#preactivations.map((compute) => compute()),
      features,
      logits,
      buffers: this.#buffers,
    };
  }
}

function join({ branch, norm: name, residual }: Junction, norm: Norm) {
  return norm(branch, name, { relu: true, residual });
}

/** One residual block of a network with three stages. */
export interface Block {
  /** The block's name in the state, e.g. `layer2.0`. */
  readonly name: string;
  readonly input: number;
  readonly output: number;
  readonly stride: 1 | 2;
  /** The input does not fit the sum as it is. */
  readonly reshapes: boolean;
}

/**
 * The blocks of each stage; the first of stages 2 and 3 halves the image.
 * @param widths channels after the stem and after each stage
 * @param nameOf the name of block `index` of stage `stage` (from 1)
 */
export function stagesOf(
  widths: readonly [number, number, number, number],
  blocksPerStage: number,
  nameOf: (stage: number, index: number) => string,
): Block[][] {
  return [1, 2, 3].map((stage) =>
    Array.from({ length: blocksPerStage }, (_, index) => {
      const output = widths[stage]!;
      const input = index === 0 ? widths[stage - 1]! : output;
      const stride = index === 0 && stage > 1 ? 2 : 1;
      const reshapes = stride !== 1 || input !== output;
      return { name: nameOf(stage, index), input, output, stride, reshapes };
    }),
  );
}
