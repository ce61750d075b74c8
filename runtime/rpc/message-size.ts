import { maxMessageBytes } from './options.js';

/** Of an answer, left for whatever is no map. */
const otherBytes = 2 ** 22;

/**
 * How many samples' maps one answer of a teacher holds.
 * @param sizes values of each map of one sample; infinitely many fit of none
 * @param valueBytes of each value
 */
export function samplesPerMessage(
  sizes: readonly number[],
  valueBytes: number,
): number {
  const values = sizes.reduce((sum, size) => sum + size, 0);
  return Math.floor((maxMessageBytes - otherBytes) / (values * valueBytes));
}
