import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One run's curves. */
export interface Curve {
  readonly label: string;
  readonly steps: readonly number[];
  /** Total loss at each of `steps`. */
  readonly losses: readonly number[];
  readonly epochs: readonly number[];
  /** Fraction of the test split at the end of each of `epochs`. */
  readonly accuracies: readonly number[];
}

/** What a student writes into measurements.jsonl, as far as curves need it. */
interface Line {
  readonly type: 'step' | 'evaluation';
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number;
  readonly testAccuracy?: number;
}

/** Reads the curves of a run from its folder. */
export function readCurve(label: string, runFolder: string): Curve {
  const text = readFileSync(join(runFolder, 'measurements.jsonl'), 'utf8');
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
  const steps = lines.filter(({ type }) => type === 'step');
  const evaluations = lines.filter(({ type }) => type === 'evaluation');
  return {
    label,
    steps: steps.map(({ step }) => step),
    losses: steps.map(({ loss }) => loss ?? NaN),
    epochs: evaluations.map(({ epoch }) => epoch),
    accuracies: evaluations.map(({ testAccuracy }) => testAccuracy ?? NaN),
  };
}
