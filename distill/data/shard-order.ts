import { rngFrom } from './rng.js';

export interface ShardOrderOptions {
  /** Samples that wait to be drawn from; more mix better and jump farther. */
  readonly bufferSize: number;
  /** Which of `worldSize` readers this is; they share out the shards. */
  readonly rank: number;
  readonly worldSize: number;
}

export const defaultShardOrder: ShardOrderOptions = {
  bufferSize: 4096,
  rank: 0,
  worldSize: 1,
};

/**
 * The order in which `epoch` (from 1) visits samples that lie in shards, as
 * readers of WebDataset shards mix them: shards in random order, dealt to the
 * ranks in turn, read from front to back through a shuffle buffer. Reading
 * stays nearly sequential, yet the order is a pure function of its arguments,
 * so where a reader was is one number: its position in here.
 *
 * @param shardSizes samples of each shard; sample numbers run through them
 * @returns numbers of this rank's samples; all ranks' together are all samples
 */
export function shardOrder(
  seed: number,
  epoch: number,
  shardSizes: readonly number[],
  { bufferSize, rank, worldSize }: ShardOrderOptions = defaultShardOrder,
): Uint32Array {
  const starts: number[] = [];
  let total = 0;
  for (const size of shardSizes) {
    starts.push(total);
    total += size;
  }
  const mine = shuffled(shardSizes.length, seed, epoch).filter(
    (_, place) => place % worldSize === rank,
  );
  const length = mine.reduce((sum, shard) => sum + shardSizes[shard]!, 0);
  const order = new Uint32Array(length);
  const rng = rngFrom(seed, 'shuffle buffer', epoch, rank);
  const buffer: number[] = [];
  let next = 0;
  const draw = () => {
    const place = rng.integer(buffer.length);
    order[next++] = buffer[place]!;
    const last = buffer.pop()!;
    if (place < buffer.length) buffer[place] = last;
  };
  for (const shard of mine) {
    for (let i = 0; i < shardSizes[shard]!; i++) {
      buffer.push(starts[shard]! + i);
      if (buffer.length >= bufferSize) draw();
    }
  }
  while (buffer.length > 0) draw();
  return order;
}

function shuffled(count: number, seed: number, epoch: number): number[] {
  const rng = rngFrom(seed, 'shards', epoch);
  const shards = Array.from({ length: count }, (_, shard) => shard);
  for (let last = count - 1; last > 0; last--) {
    const other = rng.integer(last + 1);
    [shards[last], shards[other]] = [shards[other]!, shards[last]!];
  }
  return shards;
}
