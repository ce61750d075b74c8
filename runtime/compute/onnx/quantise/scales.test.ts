import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaleOf, toIntegers } from './scales.js';

const bound = fc.float({ min: -1e6, max: 1e6, noNaN: true });

describe('the scale of a range', () => {
  it('keeps 0 exact and any value of the range within half a step', () => {
    const cases = fc.record({
      ends: fc.tuple(bound, bound),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const check = fc.property(cases, ({ ends, share }) => {
      const [low, high] = ends.toSorted((a, b) => a - b) as [number, number];
      const { scale, zeroPoint } = scaleOf({ low, high });
      expect(Number.isInteger(zeroPoint)).toBe(true);
      expect(zeroPoint).toBeGreaterThanOrEqual(0);
      expect(zeroPoint).toBeLessThanOrEqual(255);
      const value = low + share * (high - low);
      const integer = Math.round(value / scale) + zeroPoint;
      const kept = Math.min(Math.max(integer, 0), 255) - zeroPoint;
      // The zero point is rounded too: another half at either end.
      expect(Math.abs(kept * scale - value)).toBeLessThanOrEqual(1.001 * scale);
    });
    fc.assert(check);
  });

  it('exists when nothing but 0 came up', () => {
    expect(scaleOf({ low: 0, high: 0 })).toEqual({ scale: 1, zeroPoint: 0 });
  });
});

describe('a filter in integers', () => {
  it('is within half a step of each channel', () => {
    const values = fc.array(bound, { minLength: 12, maxLength: 12 });
    const check = fc.property(values, (numbers) => {
      const data = Float32Array.from(numbers);
      const filter = { type: 'float32', dims: [3, 2, 1, 2], data } as const;
      const { scales, values } = toIntegers(filter);
      expect(scales).toHaveLength(3);
      for (const [i, value] of data.entries()) {
        const scale = scales[Math.floor(i / 4)]!;
        const error = Math.abs(values[i]! * scale - value);
        expect(error).toBeLessThanOrEqual(0.5001 * scale);
      }
    });
    fc.assert(check);
  });

  it('has scales of its own for each channel', () => {
    const data = Float32Array.of(64, -1, 0.5, 0);
    const filter = { type: 'float32', dims: [2, 2, 1, 1], data } as const;
    const { scales, values } = toIntegers(filter);
    expect([...values]).toEqual([64, -1, 64, 0]);
    expect(scales[0]).toBe(1);
  });
});
