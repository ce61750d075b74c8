import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferOf, meanOfRanks } from './ranks.js';

const vectors = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 9 }))
  .chain(([ranks, length]) =>
    fc.array(
      fc.float32Array({ minLength: length, maxLength: length, noNaN: true }),
      { minLength: ranks, maxLength: ranks },
    ),
  );

describe('the mean of ranks', () => {
  it('rounds every sum to float32, in rank order', () => {
    fc.assert(
      fc.property(vectors, (parts) => {
        const mean = meanOfRanks(parts);
        for (const [i, actual] of mean.entries()) {
          let sum = parts[0]![i]!;
          for (const part of parts.slice(1)) sum = Math.fround(sum + part[i]!);
          expect(actual).toBe(Math.fround(sum / parts.length));
        }
      }),
    );
  });

  it('depends on the order of ranks, which therefore must be fixed', () => {
    const [big, one] = [Float32Array.of(2 ** 25), Float32Array.of(1)];
    const minus = Float32Array.of(-(2 ** 25));
    expect(meanOfRanks([big, minus, one])[0]).toBeCloseTo(1 / 3);
    expect(meanOfRanks([big, one, minus])[0]).toBe(0);
  });

  it('leaves what it was given as it is', () => {
    const given = [Float32Array.of(1), Float32Array.of(2)];
    meanOfRanks(given);
    expect(given).toEqual([Float32Array.of(1), Float32Array.of(2)]);
  });

  it('refuses vectors of different lengths, and none', () => {
    const parts = [Float32Array.of(1, 2), Float32Array.of(1)];
    expect(() => meanOfRanks(parts)).toThrow('1 values beside 2');
    expect(() => meanOfRanks([])).toThrow('no rank');
  });
});

it("names rank 0's buffers plainly", () => {
  expect(bufferOf(0, 'bn1.running_var')).toBe('bn1.running_var');
  expect(bufferOf(2, 'bn1.running_var')).toBe('rank2.bn1.running_var');
});
