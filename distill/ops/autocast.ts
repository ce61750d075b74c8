/** What convolutions round their operands and results to; sums are float32. */
export const convPrecisions = ['float32', 'bfloat16'] as const;
export type ConvPrecision = (typeof convPrecisions)[number];

let current: ConvPrecision = 'float32';

/**
 * Runs `f`, whose convolutions are in that precision, forwards and backwards;
 * as torch.autocast, whose name it has. What is made of them later is not.
 */
export function autocast<T>(precision: ConvPrecision, f: () => T): T {
  const before = current;
  current = precision;
  try {
    return f();
  } finally {
    current = before;
  }
}

export function convPrecision(): ConvPrecision {
  return current;
}
