import * as tf from '@tensorflow/tfjs-core';
import { runKernel, type Kernel } from './ops/kernel.js';

export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
}

interface Moving {
  readonly weight: tf.Tensor;
  readonly velocity: tf.Tensor;
}

export interface Graded extends Moving {
  readonly gradient: tf.Tensor;
}

/**
 * One step of stochastic gradient descent with momentum, as torch.optim.SGD
 * does it (no dampening, no Nesterov), for each weight:
 *
 *   g' = g + weightDecay w      v' = momentum v + g'      w' = w - rate v'
 *
 * torch starts v at the first g', which equals starting at v = 0.
 *
 * @param rate the learning rate, a scalar tensor
 */
export function sgd(
  graded: readonly Graded[],
  rate: tf.Scalar,
  { momentum, weightDecay }: SgdOptions,
): Moving[] {
  const count = graded.length;
  if (count === 0) return [];
  const inputs: Record<string, tf.Tensor> = { rate };
  for (const [i, { weight, gradient, velocity }] of graded.entries()) {
    inputs[`weight.${i}`] = weight;
    inputs[`gradient.${i}`] = gradient;
    inputs[`velocity.${i}`] = velocity;
  }
  const outputs = runKernel(step, inputs, { momentum, weightDecay, count });
  return graded.map((_, i) => ({
    weight: outputs[i]!,
    velocity: outputs[count + i]!,
  }));
}

export interface SgdAttributes extends SgdOptions {
  /** Of weights; the inputs are `rate`, and `weight.<i>` and so on of each. */
  readonly count: number;
}

/** All new weights, then all new velocities. */
const step: Kernel<string, SgdAttributes> = {
  name: 'Sgd',
  compose(inputs, { momentum, weightDecay, count }) {
    const input = (name: string, i: number) => inputs[`${name}.${i}`]!;
    const indices = Array.from({ length: count }, (_, i) => i);
    const velocities = indices.map((i) => {
      const decay = tf.mul(input('weight', i), weightDecay);
      const decayed = tf.add(input('gradient', i), decay);
      return tf.add(tf.mul(input('velocity', i), momentum), decayed);
    });
    const weights = velocities.map((velocity, i) =>
      tf.sub(input('weight', i), tf.mul(velocity, inputs['rate']!)),
    );
    return [...weights, ...velocities];
  },
};
