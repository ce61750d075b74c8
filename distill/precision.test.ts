import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRows,
  encodeRows,
  firstNonFinite,
  firstOverflow,
  type Precision,
  roundRows,
} from './precision.js';

/** Every pattern of 16 bits. */
const patterns = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

const layouts = {
  float16: { infinity: 0x7c00, relativeStep: 2 ** -10 },
  bfloat16: { infinity: 0x7f80, relativeStep: 2 ** -7 },
} as const;

/** The float32 behind or in front of a value. */
function neighbour(value: number, by: 1 | -1): number {
  const values = Float32Array.of(value);
  new Int32Array(values.buffer)[0]! += by;
  return values[0]!;
}

/** By IEEE 754's definition, not by shifting bits. */
function valueOf(half: number, precision: keyof typeof layouts): number {
  const fractionBits = precision === 'float16' ? 10 : 7;
  const bias = precision === 'float16' ? 15 : 127;
  const sign = half < 2 ** 15 ? 1 : -1;
  const exponent = Math.floor((half % 2 ** 15) / 2 ** fractionBits);
  const fraction = (half % 2 ** fractionBits) / 2 ** fractionBits;
  if (exponent === 2 * bias + 1) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias)
    : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const one = (value: number, precision: Precision) =>
  encodeRows(Float32Array.of(value), precision)[0]!;

describe.each(['float16', 'bfloat16'] as const)('%s', (precision) => {
  const { infinity, relativeStep } = layouts[precision];
  const values = decodeRows(patterns, precision);

  it('has the values of the standard', () => {
    const wrong = [...patterns].filter(
      (half) => !Object.is(values[half], valueOf(half, precision)),
    );
    expect(wrong).toEqual([]);
  });

  it('comes back as it was, whatever the pattern, and NaN as NaN', () => {
    const again = encodeRows(values, precision);
    const wrong = [...patterns].filter((half) =>
      Number.isNaN(values[half])
        ? !Number.isNaN(values[again[half]!])
        : again[half] !== half,
    );
    expect(wrong).toEqual([]);
  });

  it('rounds to the nearest, and halfway to the even one', () => {
    // The next value of the format behind its largest would be a power of 2.
    const largest = values[infinity - 1]!;
    const beyond = largest + (largest - values[infinity - 2]!);
    const wrong = [...patterns].slice(0, infinity).filter((half) => {
      const [below, above] = [values[half]!, values[half + 1]!];
      const middle = (below + Math.min(above, beyond)) / 2;
      const even = half % 2 === 0 ? half : half + 1;
      return !(
        one(neighbour(middle, -1), precision) === half &&
        one(middle, precision) === even &&
        one(neighbour(middle, 1), precision) === half + 1 &&
        one(-middle, precision) === even + 2 ** 15
      );
    });
    expect(wrong).toEqual([]);
  });

  it('is off by half a step at most', () => {
    const normal = fc.float({ min: 2 ** -14, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(normal, { minLength: 1 }), (array) => {
        const rows = Float32Array.from(array);
        const rounded = roundRows(rows, precision);
        rows.forEach((value, i) => {
          const error = Math.abs(rounded[i]! - value) / value;
          expect(error).toBeLessThanOrEqual(relativeStep / 2);
        });
        expect(roundRows(rounded, precision)).toEqual(rounded);
      }),
    );
  });

  it('finds finite values that became infinite, and no others', () => {
    const largest = values[infinity - 1]!;
    const inRange = [0, -largest, Infinity, -Infinity, NaN];
    const beyond = { float16: -65_520, bfloat16: 3.4e38 }[precision];
    const overflow = (...numbers: number[]) => {
      const rows = Float32Array.from(numbers);
      return firstOverflow(rows, encodeRows(rows, precision), precision);
    };
    expect(overflow(...inRange)).toBe(-1);
    expect(overflow(...inRange, beyond, beyond)).toBe(inRange.length);
  });

  it('finds what is not finite', () => {
    const wrong = [...patterns].filter((half) => {
      const at = firstNonFinite(Uint16Array.of(0, half), precision);
      return at !== (Number.isFinite(values[half]) ? -1 : 1);
    });
    expect(wrong).toEqual([]);
  });
});

it('float32 is left alone', () => {
  const rows = Float32Array.of(0.1, -1e-40, 3e38);
  expect(encodeRows(rows, 'float32')).toBe(rows);
  expect(decodeRows(rows, 'float32')).toBe(rows);
  expect(firstNonFinite(Float32Array.of(1, NaN), 'float32')).toBe(1);
  expect(firstOverflow(rows, rows, 'float32')).toBe(-1);
});
