import { describe, expect, it } from 'vitest';
import { everCounts, weightAt, weightSchema } from './weight-schedule.js';

describe('weightAt', () => {
  it('is the same in every epoch for a number', () => {
    expect([1, 2, 99].map((epoch) => weightAt(0.8, epoch))).toEqual([
      0.8, 0.8, 0.8,
    ]);
  });

  it.each([
    ['linear', [1, 0.75, 0.5, 0.25, 0, 0]],
    ['cosine', [1, 0.853553, 0.5, 0.146447, 0, 0]],
  ] as const)('goes its way: %s', (shape, expected) => {
    const weight = weightSchema.parse({ from: 1, to: 0, epochs: 4, shape });
    for (const [i, value] of expected.entries()) {
      expect(weightAt(weight, i + 1)).toBeCloseTo(value, 6);
    }
  });

  it('decays by the same factor, as the critical period does', () => {
    const [from, to] = [100, 100 * 0.7 ** 49];
    const shape = 'exponential';
    const weight = weightSchema.parse({ from, to, epochs: 49, shape });
    for (const epoch of [1, 2, 25, 50]) {
      const expected = 100 * 0.7 ** (epoch - 1);
      expect(weightAt(weight, epoch) / expected).toBeCloseTo(1, 10);
    }
  });
});

describe('weightSchema', () => {
  it('takes a schedule to itself, linear unless it says so', () => {
    const parsed = weightSchema.parse({ from: 0, to: 2, epochs: 3 });
    expect(parsed).toEqual({ from: 0, to: 2, epochs: 3, shape: 'linear' });
    expect(weightSchema.parse(parsed)).toEqual(parsed);
  });

  it.each([
    -1,
    { from: 1, to: -1, epochs: 2 },
    { from: 0, to: 0, epochs: 2 },
    { from: 1, to: 0, epochs: 2, shape: 'exponential' },
    { from: 1, to: 2, epochs: 0 },
    { from: 1, to: 2 },
    { from: 1, to: 2, epochs: 2, until: 3 },
  ])('refuses %j', (written) => {
    expect(weightSchema.safeParse(written).success).toBe(false);
  });
});

it('counts if it is above 0 in any epoch', () => {
  const late = weightSchema.parse({ from: 0, to: 1, epochs: 5 });
  expect([0, 0.1, late].map(everCounts)).toEqual([false, true, true]);
});
