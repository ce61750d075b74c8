import { rngFrom } from './rng.js';

/**
 * The order in which `epoch` (from 1) visits the samples 0 ... size - 1: a
 * permutation that depends on (seed, epoch, size) alone.
 */
export function epochOrder(
  seed: number,
  epoch: number,
  size: number,
): Uint32Array {
  const rng = rngFrom(seed, 'order', epoch);
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  for (let last = size - 1; last > 0; last--) {
    const other = rng.integer(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
