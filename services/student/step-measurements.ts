import { type Experiment, weightedTerms } from '#distill/experiment.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { NonFiniteLossError } from '#runtime/errors.js';
import type { StepMeasurements } from './trainer-api.js';

/**
 * What a run says of a step, from the scalars that its program gave.
 * @throws NonFiniteLossError that names the term
 */
export function measurementsOf(
  loss: Experiment['loss'],
  step: number,
  learningRate: number,
  scalars: NamedHostTensors,
): StepMeasurements {
  const values = Object.fromEntries(
    Object.entries(scalars).map(([name, { data }]) => [name, data[0]!]),
  );
  const weights: Record<string, number> = { crossEntropy: loss.crossEntropy };
  for (const { name, params } of weightedTerms({ loss })) {
    weights[name] = params.weight;
  }
  const lossTerms: Record<string, number> = {};
  for (const [term, weight] of Object.entries(weights)) {
    if (weight > 0) lossTerms[term] = weight * takeOut(values, term);
  }
  const total = takeOut(values, 'loss');
  for (const [lossTerm, value] of Object.entries({ ...lossTerms, total })) {
    if (!Number.isFinite(value))
      throw new NonFiniteLossError({ step, lossTerm });
  }
  return { loss: total, lossTerms, measurements: values, learningRate };
}

function takeOut(values: Record<string, number>, name: string): number {
  const value = values[name] ?? NaN;
  delete values[name];
  return value;
}
