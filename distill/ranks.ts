/**
 * Data-parallel ranks. A rank is a logical micro-batch of every step: it has
 * its own samples and its own buffers (running statistics of batch norm,
 * memories of methods), while weights, momentum and the queue are one for all.
 * A step goes on with the mean of the ranks' gradients, summed in rank order,
 * so where a rank is computed cannot change a bit.
 */

/**
 * What a state calls a buffer of `rank`. Rank 0's keep their plain names, and
 * so are the ones that evaluation and export find.
 */
export function bufferOf(rank: number, name: string): string {
  return rank === 0 ? name : `rank${rank}.${name}`;
}

/**
 * The mean of the ranks' vectors: summed from rank 0 on, each sum rounded to
 * float32, then divided by their number.
 * @param vectors one of each rank, in rank order, of one length
 */
export function meanOfRanks(vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors;
  if (!first) throw new RangeError('no rank has handed in a vector');
  const mean = first.slice();
  for (const vector of others) {
    if (vector.length !== mean.length) {
      throw new RangeError(`${vector.length} values beside ${mean.length}`);
    }
    for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]!;
  }
  for (let i = 0; i < mean.length; i++) mean[i]! /= vectors.length;
  return mean;
}
