import type { HostTensor } from '#distill/tensors.js';

type Values = ArrayLike<number>;

/** Collects comparisons of one case and remembers the worst. */
export class Checks {
  readonly failures: string[] = [];
  /** The largest error in units of its tolerance; above 1 is a failure. */
  worst = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Every value is within `tolerance` of what is expected. */
  near(
    what: string,
    actual: Values,
    expected: Values,
    tolerance: number,
  ): void {
    if (actual.length !== expected.length) {
      this.that(`${what}: ${actual.length} values`, false);
      return;
    }
    let error = 0;
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(actual[i]! - expected[i]!);
      error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
    }
    const ratio =
      tolerance > 0 ? error / tolerance : error === 0 ? 0 : Infinity;
    this.worst = Math.max(this.worst, ratio);
    const text = `${what}: off by ${error.toExponential(2)}, allowed ${tolerance.toExponential(2)}`;
    this.that(text, ratio <= 1);
  }

  /**
   * The rule of losses/ and resnet8x4*: ten times the reference's own float32
   * error but at least 1e-6 of the largest value; 1e-5 of it where the file
   * does not know that error.
   */
  close(
    what: string,
    actual: HostTensor | undefined,
    expected: Values,
    float32Error?: number,
  ): void {
    const tolerance = toleranceOf(expected, float32Error);
    this.near(what, actual?.data ?? [], expected, tolerance);
  }

  that(what: string, holds: boolean): void {
    this.#count++;
    if (!holds) this.failures.push(what);
  }
}

export function toleranceOf(
  expected: Values,
  float32Error: number | undefined,
): number {
  const largest = largestOf(expected);
  if (float32Error === undefined) return 1e-5 * largest;
  return Math.max(10 * float32Error, 1e-6 * largest);
}

/** The largest absolute value. */
export function largestOf(values: Values): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i]!));
  }
  return largest;
}

/** sum f(value) */
export function total(values: Values, f = (value: number) => value): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += f(values[i]!);
  return sum;
}

/** sqrt(sum value^2) */
export function normOf(values: Values): number {
  return Math.sqrt(total(values, (value) => value * value));
}
