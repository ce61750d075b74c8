/** Which part of something divided among several is whose. */
export interface Share {
  readonly start: number;
  readonly end: number;
}

/** The share of `index` of `length` things among `count`, as even as can be. */
export function shareOf(length: number, count: number, index: number): Share {
  const edge = (i: number) => Math.floor((length * i) / count);
  return { start: edge(index), end: edge(index + 1) };
}

/** The ranks of each of `count` workers: blocks, in order. */
export function dealRanks(worldSize: number, count: number): number[][] {
  return Array.from({ length: count }, (_, index) => {
    const { start, end } = shareOf(worldSize, count, index);
    return Array.from({ length: end - start }, (_, i) => start + i);
  });
}
