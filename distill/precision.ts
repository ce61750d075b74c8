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
  const bits = new Int32Array(rows.buffer, rows.byteOffset, rows.length);
  const halves = new Uint16Array(rows.length);
  // A loop for each: a function that varies would not be inlined.
  if (precision === 'float16')
    for (let i = 0; i < bits.length; i++)
      halves[i] = toFloat16(bits[i]!, rows[i]!);
  else for (let i = 0; i < bits.length; i++) halves[i] = toBfloat16(bits[i]!);
  return halves;
}

/** The values, exactly; float32 is not copied. */
export function decodeRows(
  stored: StoredRows,
  precision: Precision,
): Float32Array {
  if (stored instanceof Float32Array) return stored;
  const values = new Float32Array(stored.length);
  if (precision === 'float16') {
    const table = float16Values();
    for (let i = 0; i < values.length; i++) values[i] = table[stored[i]!]!;
    return values;
  }
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = stored[i]! << 16;
  return values;
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
  for (let i = 0; i < stored.length; i++)
    if ((stored[i]! & exponent) === exponent) return i;
  return -1;
}

/** Index of the first finite value that became infinite; -1 if none did. */
export function firstOverflow(
  rows: Float32Array,
  stored: StoredRows,
  precision: Precision,
): number {
  if (stored instanceof Float32Array) return -1;
  if (firstNonFinite(stored, precision) === -1) return -1;
  const infinite = precision === 'float16' ? 0x7c00 : 0x7f80;
  return rows.findIndex(
    (value, i) => Number.isFinite(value) && (stored[i]! & 0x7fff) === infinite,
  );
}

// All bits but the sign's fit into a small integer, which is what engines are
// fast with; so the bits of a float32 are an int32 here.
const sign = 0x80000000;
const infinity = 0x7f800000;

/** @param bits of a float32, as an int32 */
function toBfloat16(bits: number): number {
  const upper = bits >>> 16;
  if ((bits & ~sign) > infinity) return upper | 0x40; // stays NaN
  return (bits + 0x7fff + (upper & 1)) >>> 16;
}

/** @param bits of the float32 `value`, as an int32 */
function toFloat16(bits: number, value: number): number {
  const negative = (bits & sign) >>> 16;
  const magnitude = bits & ~sign;
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

let values16: Float32Array | undefined;

/** The value of every pattern of 16 bits: 256 KiB, made when first needed. */
function float16Values(): Float32Array {
  values16 ??= Float32Array.from({ length: 2 ** 16 }, (_, half) =>
    fromFloat16(half),
  );
  return values16;
}

function fromFloat16(half: number): number {
  const fraction = half & 0x3ff;
  const exponent = (half >>> 10) & 0x1f;
  const negative = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return negative * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : negative * Infinity;
  return negative * (0x400 + fraction) * 2 ** (exponent - 25);
}
