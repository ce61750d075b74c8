import { describe, expect, it } from 'vitest';
import { LazyBus } from './lazy.js';
import { MemoryBus } from './memory.js';

describe('a lazy bus', () => {
  it('is opened by what is published first, once it can be', async () => {
    const bus = new MemoryBus({});
    let tries = 0;
    const lazy = new LazyBus(async () => {
      if (++tries === 1) throw new Error('not yet');
      return bus;
    });
    expect(tries).toBe(0);
    const subject = 'rrd.v1.test';
    await expect(lazy.publish(subject, { a: 1 })).rejects.toThrow('not yet');
    await lazy.publish(subject, { a: 2 });
    await lazy.publish(subject, { a: 3 });
    expect(tries).toBe(2);
    const { signal } = new AbortController();
    const heard: unknown[] = [];
    const from = 'start' as const;
    for await (const { data } of bus.subscribe(subject, { from, signal })) {
      heard.push(data);
      if (heard.length === 2) break;
    }
    expect(heard).toEqual([{ a: 2 }, { a: 3 }]);
    await lazy.close();
  });

  it('that was never needed is never opened', async () => {
    const lazy = new LazyBus(() => Promise.reject(new Error('opened')));
    await expect(lazy.close()).resolves.toBeUndefined();
  });
});
