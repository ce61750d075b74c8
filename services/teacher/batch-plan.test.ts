import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchPlan } from './batch-plan.js';

const sizes = [1, 4, 8, 16, 32, 64, 128];

describe('the batches of some samples', () => {
  it.each([
    [1, [1]],
    [3, [4]],
    [5, [4, 1]],
    [9, [8, 1]],
    [12, [8, 4]],
    [28, [32]],
    [36, [32, 4]],
    [60, [64]],
    [64, [64]],
    [68, [64, 4]],
    [128, [128]],
    [300, [128, 128, 32, 8, 4]],
  ])('%i are computed in %j', (count, plan) => {
    expect(batchPlan(count, sizes)).toEqual(plan);
  });

  it('are all computed, with the sizes that there are, largest first', () => {
    const some = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), some, (count, sizes) => {
        const plan = batchPlan(count, sizes);
        const total = plan.reduce((sum, size) => sum + size, 0);
        expect(plan.every((size) => sizes.includes(size))).toBe(true);
        expect(plan).toEqual(plan.toSorted((a, b) => b - a));
        // Without the last one something would be left.
        expect(total).toBeGreaterThanOrEqual(count);
        expect(total - plan.at(-1)!).toBeLessThan(count);
      }),
    );
  });
});
