/**
 * How a queue holds its values. Halves are bits in a Uint16Array: IEEE 754
 * binary16, or the upper half of a float32 (bfloat16). All of it is integer
 * arithmetic or exact, so every machine rounds to the same bits.
 */
export const precisions = ['float32', 'float16', 'bfloat16'] as const;
export type Precision = (typeof precisions)[number];

/** Rows as they are held: values, or the bits of halves. */
export type StoredRows = Float32Array | Uint16Array;

export function bytesPerValue(precision: Precision): number {
  return precision === 'float32' ? 4 : 2;
}

/** Zeros. */
export function storedRows(precision: Precision, length: number): StoredRows {
  return precision === 'float32'
    ? new Float32Array(length)
    : new Uint16Array(length);
}

/**
 * Rounds to the nearest value that there is, of two to the even one. What is
 * too large becomes infinite. float32 stays what it is, not copied.
 */
export function encodeRows(
  rows: Float32Array,
  precision: Precision,
): StoredRows {
  if (precision === 'float32') return rows;
  const encode = precision === 'float16' ? toFloat16 : toBfloat16;
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  const halves = new Uint16Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    value[0] = rows[i]!;
    halves[i] = encode(bits[0]!, value[0]);
  }
  return halves;
}

/** The values, exactly; float32 is not copied. */
export function decodeRows(
  stored: StoredRows,
  precision: Precision,
): Float32Array {
  if (stored instanceof Float32Array) return stored;
  if (precision === 'float16') return Float32Array.from(stored, fromFloat16);
  const bits = Uint32Array.from(stored, (half) => half << 16);
  return new Float32Array(bits.buffer);
}

/** What a queue of that precision makes of rows. */
export function roundRows(
  rows: Float32Array,
  precision: Precision,
): Float32Array {
  return decodeRows(encodeRows(rows, precision), precision);
}

/** Index of the first value that is NaN or infinite; -1 if there is none. */
export function firstNonFinite(
  stored: StoredRows,
  precision: Precision,
): number {
  if (stored instanceof Float32Array)
    return stored.findIndex((value) => !Number.isFinite(value));
  const exponent = precision === 'float16' ? 0x7c00 : 0x7f80;
  return stored.findIndex((half) => (half & exponent) === exponent);
}

const sign = 0x80000000;
const infinity = 0x7f800000;

/** @param bits of a float32 */
function toBfloat16(bits: number): number {
  const upper = bits >>> 16;
  if ((bits & ~sign) >>> 0 > infinity) return upper | 0x40; // stays NaN
  return (bits + 0x7fff + (upper & 1)) >>> 16;
}

/** @param bits of the float32 `value` */
function toFloat16(bits: number, value: number): number {
  const negative = (bits & sign) >>> 16;
  const magnitude = (bits & ~sign) >>> 0;
  if (magnitude > infinity) return negative | 0x7e00; // stays NaN
  if (magnitude >= 0x477ff000) return negative | 0x7c00; // from 65,520 on
  if (magnitude < 0x38800000) {
    // Below 2^-14 the steps are 2^-24. At 2^52 a double has no fractions: adding
    // it rounds to an even integer.
    const steps = Math.abs(value) * 2 ** 24;
    return negative | (steps + 2 ** 52 - 2 ** 52);
  }
  const rebased = magnitude - ((127 - 15) << 23);
  const odd = (rebased >>> 13) & 1;
  return negative | ((rebased + 0xfff + odd) >>> 13);
}

function fromFloat16(half: number): number {
  const fraction = half & 0x3ff;
  const exponent = (half >>> 10) & 0x1f;
  const negative = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return negative * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : negative * Infinity;
  return negative * (0x400 + fraction) * 2 ** (exponent - 25);
}
