import * as tf from '@tensorflow/tfjs-core';

export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
}

/**
 * One step of stochastic gradient descent with momentum, as torch.optim.SGD
 * does it (no dampening, no Nesterov):
 *
 *   g' = g + weightDecay w      v' = momentum v + g'      w' = w - rate v'
 *
 * torch starts v at the first g', which equals starting at v = 0.
 *
 * @param rate the learning rate, a scalar tensor
 */
export function sgd(
  weight: tf.Tensor,
  gradient: tf.Tensor,
  velocity: tf.Tensor,
  rate: tf.Scalar,
  { momentum, weightDecay }: SgdOptions,
): { weight: tf.Tensor; velocity: tf.Tensor } {
  return tf.tidy(() => {
    const decayed = tf.add(gradient, tf.mul(weight, weightDecay));
    const newVelocity = tf.add(tf.mul(velocity, momentum), decayed);
    const newWeight = tf.sub(weight, tf.mul(newVelocity, rate));
    return { weight: newWeight, velocity: newVelocity };
  });
}
