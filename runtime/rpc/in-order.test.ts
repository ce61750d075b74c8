import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inOrder } from './in-order.js';

async function* numbers(count: number) {
  for (let i = 0; i < count; i++) yield i;
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe('inOrder', () => {
  it('keeps the order, whoever is ready first', async () => {
    let running = 0;
    let most = 0;
    const answers = inOrder(numbers(10), 3, async (i) => {
      most = Math.max(most, ++running);
      await sleep(i % 3 === 0 ? 10 : 1);
      running--;
      return i;
    });
    expect(await collect(answers)).toEqual([...Array(10).keys()]);
    expect(most).toBe(3);
  });

  it('answers what is there while the next request is awaited', async () => {
    async function* slow() {
      yield 'a';
      await new Promise(() => {});
    }
    const answers = inOrder(slow(), 3, async (value) => `${value}!`);
    expect(await answers.next()).toEqual({ value: 'a!', done: false });
  });

  it('reads no further than the limit while nobody takes answers', async () => {
    let read = 0;
    async function* counted() {
      for (;;) yield read++;
    }
    const answers = inOrder(counted(), 4, (i) => Promise.resolve(i));
    await answers.next();
    await sleep(5);
    expect(read).toBeLessThanOrEqual(5);
  });

  it('throws a failure in its turn', async () => {
    const answers = inOrder(numbers(3), 3, async (i) => {
      if (i === 1) throw new Error('one');
      await sleep(5);
      return i;
    });
    expect(await answers.next()).toEqual({ value: 0, done: false });
    await expect(answers.next()).rejects.toThrow('one');
  });
});
