import type { Rng } from './data/rng.js';

export interface ProbeOptions {
  readonly featureDim: number;
  readonly classCount: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/**
 * A linear classifier on the features of a frozen network, trained by SGD with
 * momentum on the cross-entropy (as `optimiser.ts` does it, in plain numbers:
 * it is small beside the network's forward pass).
 */
export class LinearProbe {
  /** [classCount, featureDim + 1]: weights and, last, the bias */
  readonly #weights: Float64Array;
  readonly #velocity: Float64Array;
  readonly #options: ProbeOptions;

  /** Weights ~ N(0, 0.01), biases 0, as the reference's transfer has it. */
  constructor(options: ProbeOptions, rng: Rng) {
    const { featureDim, classCount } = options;
    const width = featureDim + 1;
    this.#options = options;
    this.#velocity = new Float64Array(classCount * width);
    this.#weights = this.#velocity.map((_, i) =>
      i % width === featureDim ? 0 : 0.01 * rng.normal(),
    );
  }

  /**
   * One step on a batch; returns the mean cross-entropy before it.
   * @param features [labels.length, featureDim]
   */
  step(
    features: ArrayLike<number>,
    labels: ArrayLike<number>,
    learningRate: number,
  ): number {
    const { featureDim, classCount, momentum, weightDecay } = this.#options;
    const width = featureDim + 1;
    const gradient = this.#weights.map((weight) => weightDecay * weight);
    let loss = 0;
    for (let row = 0; row < labels.length; row++) {
      const probabilities = softmax(this.#logits(features, row));
      loss -= Math.log(probabilities[labels[row]!]!) / labels.length;
      for (let k = 0; k < classCount; k++) {
        const wanted = labels[row] === k ? 1 : 0;
        const slope = (probabilities[k]! - wanted) / labels.length;
        for (let i = 0; i < featureDim; i++) {
          gradient[k * width + i]! += slope * features[row * featureDim + i]!;
        }
        gradient[k * width + featureDim]! += slope;
      }
    }
    for (let i = 0; i < gradient.length; i++) {
      this.#velocity[i] = momentum * this.#velocity[i]! + gradient[i]!;
      this.#weights[i]! -= learningRate * this.#velocity[i]!;
    }
    return loss;
  }

  /** The likeliest class of each row. */
  classes(features: ArrayLike<number>): Int32Array {
    const length = features.length / this.#options.featureDim;
    return Int32Array.from({ length }, (_, row) => {
      const logits = this.#logits(features, row);
      return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
    });
  }

  #logits(features: ArrayLike<number>, row: number): Float64Array {
    const { featureDim, classCount } = this.#options;
    const width = featureDim + 1;
    const logits = new Float64Array(classCount);
    for (let k = 0; k < classCount; k++) {
      let sum = this.#weights[k * width + featureDim]!;
      for (let i = 0; i < featureDim; i++) {
        sum += this.#weights[k * width + i]! * features[row * featureDim + i]!;
      }
      logits[k] = sum;
    }
    return logits;
  }
}

function softmax(logits: Float64Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
