import { describe, expect, it } from 'vitest';
import { forEachBounded } from './bounded.js';

const open = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('forEachBounded', () => {
  it('works on all items, no more than the limit at a time', async () => {
    const items = Array.from({ length: 20 }, (_, i) => i);
    const done: number[] = [];
    let running = 0;
    let most = 0;
    const work = async (item: number) => {
      most = Math.max(most, ++running);
      await turn();
      running -= 1;
      done.push(item);
    };
    await forEachBounded(items, 3, work, open);
    expect(done).toEqual(items);
    expect(most).toBe(3);
  });

  it('starts nothing after a failure or an abort', async () => {
    const started: number[] = [];
    const failing = async (item: number) => {
      started.push(item);
      await turn();
      if (item === 1) throw new Error('no');
    };
    const failed = forEachBounded([0, 1, 2, 3, 4, 5], 2, failing, open);
    await expect(failed).rejects.toThrow('no');
    expect(started.length).toBeLessThan(6);

    const controller = new AbortController();
    let calls = 0;
    const aborting = async () => {
      calls += 1;
      controller.abort(new Error('enough'));
      await turn();
    };
    const { signal } = controller;
    const aborted = forEachBounded([0, 1, 2, 3], 1, aborting, signal);
    await expect(aborted).rejects.toThrow('enough');
    expect(calls).toBe(1);
  });
});
