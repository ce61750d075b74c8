import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inParallel } from './in-parallel.js';

describe('inParallel', () => {
  it('works on each item once, so many at a time', async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];
    await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++now);
      await turn();
      now -= 1;
      done.push(item);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it('ends the others at the first failure, which it throws', async () => {
    const begun: number[] = [];
    const ended: unknown[] = [];
    const all = inParallel([1, 2, 3, 4], 2, async (item, failed) => {
      begun.push(item);
      if (item === 1) throw new Error('the first');
      while (!failed.aborted) await turn();
      ended.push(item);
      throw new Error('a consequence');
    });
    await expect(all).rejects.toThrow('the first');
    expect(begun).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });
});
