import { describe, expect, it } from 'vitest';
import { shardOrder } from './shard-order.js';

const sizes = [10, 7, 12, 0, 9];
const all = [...Array(38).keys()];
const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

describe('shardOrder', () => {
  it('visits every sample once', () => {
    expect(sorted(shardOrder(1, 1, sizes))).toEqual(all);
  });

  it('depends on seed and epoch alone', () => {
    expect(shardOrder(1, 2, sizes)).toEqual(shardOrder(1, 2, sizes));
    expect(shardOrder(1, 2, sizes)).not.toEqual(shardOrder(1, 3, sizes));
    expect(shardOrder(1, 2, sizes)).not.toEqual(shardOrder(2, 2, sizes));
  });

  it('deals whole shards to ranks', () => {
    const ranks = [0, 1, 2].map((rank) =>
      shardOrder(1, 1, sizes, { bufferSize: 4, rank, worldSize: 3 }),
    );
    expect(sorted(ranks.flatMap((order) => [...order]))).toEqual(all);
    for (const order of ranks) {
      const first = [...order].filter((sample) => sample < 10);
      expect([0, 10]).toContain(first.length);
    }
  });

  it('never runs farther ahead than its buffer', () => {
    const one = { bufferSize: 4, rank: 0, worldSize: 1 };
    shardOrder(1, 1, [50], one).forEach((sample, place) => {
      expect(sample).toBeLessThan(place + 4);
    });
    const plain = shardOrder(1, 1, [50], { ...one, bufferSize: 1 });
    expect([...plain]).toEqual([...Array(50).keys()]);
  });
});
