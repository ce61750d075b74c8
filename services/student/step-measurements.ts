import type { NamedHostTensors } from '#distill/tensors.js';
import { NonFiniteLossError } from '#runtime/errors.js';
import type { StepMeasurements } from './trainer-api.js';

/** What a step is computed with besides its batch. */
export interface StepSettings {
  readonly step: number;
  /** Of the terms that count. */
  readonly weights: Readonly<Record<string, number>>;
  readonly learningRate: number;
}

/**
 * What a run says of a step, from the scalars that its program gave.
 * @throws NonFiniteLossError that names the term
 */
export function measurementsOf(
  { step, weights, learningRate }: StepSettings,
  scalars: NamedHostTensors,
): StepMeasurements {
  const values = Object.fromEntries(
    Object.entries(scalars).map(([name, { data }]) => [name, data[0]!]),
  );
  const lossTerms: Record<string, number> = {};
  for (const [term, weight] of Object.entries(weights)) {
    lossTerms[term] = weight * takeOut(values, term);
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
