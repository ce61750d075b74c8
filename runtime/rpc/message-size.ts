import { maxMessageBytes } from './options.js';

/** Of an answer, left for whatever is no map. */
const otherBytes = 2 ** 22;
const bytesPerFloat = 4;

/**
 * How many samples' maps one answer of a teacher holds.
 * @param sizes floats of each map of one sample; infinitely many fit of none
 */
export function samplesPerMessage(sizes: readonly number[]): number {
  const floats = sizes.reduce((sum, size) => sum + size, 0);
  return Math.floor((maxMessageBytes - otherBytes) / (floats * bytesPerFloat));
}
