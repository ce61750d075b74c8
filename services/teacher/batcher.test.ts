import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DrainingError,
  InvalidRequestError,
  TeacherOverloadedError,
} from '#runtime/errors.js';
import { Batcher, type BatchStart, type Clock } from './batcher.js';

/** Time that moves only when told to. */
class ManualClock implements Clock {
  private timeMs = 0;
  private timers: { dueMs: number; run: () => void }[] = [];

  nowMs(): number {
    return this.timeMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.timeMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    this.timeMs += ms;
    const due = this.timers.filter(({ dueMs }) => dueMs <= this.timeMs);
    this.timers = this.timers.filter((timer) => !due.includes(timer));
    for (const { run } of due) run();
  }
}

const never = () => new AbortController().signal;
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A batcher whose batches end when the test says so. */
function fixture(config = {}) {
  const clock = new ManualClock();
  const batches: string[][] = [];
  const starts: BatchStart[] = [];
  const ends: { finish(): void; fail(error: Error): void }[] = [];
  const compute = (items: string[]) => {
    batches.push(items);
    return new Promise<string[]>((resolve, reject) => {
      const finish = () => resolve(items.map((item) => `${item}!`));
      ends.push({ finish, fail: reject });
    });
  };
  const batcher = new Batcher<string, string>(
    { maxBatchSize: 8, maxQueueDelayMs: 5, maxQueuedRequests: 3, ...config },
    compute,
    clock,
    (start) => starts.push(start),
  );
  return { batcher, clock, batches, starts, ends };
}

describe('Batcher', () => {
  it('merges what arrives within the delay, and splits the results', async () => {
    const { batcher, clock, batches, starts, ends } = fixture();
    const a = batcher.submit('a', 3, never());
    clock.advance(4);
    const b = batcher.submit('b', 4, never());
    expect(batches).toEqual([]);
    clock.advance(1);
    expect(batches).toEqual([['a', 'b']]);
    expect(starts).toEqual([{ samples: 7, waitsMs: [5, 1] }]);
    ends[0]!.finish();
    expect(await Promise.all([a, b])).toEqual(['a!', 'b!']);
  });

  it('starts a full batch at once', () => {
    const { batcher, batches } = fixture();
    void batcher.submit('a', 5, never());
    void batcher.submit('b', 3, never());
    expect(batches).toEqual([['a', 'b']]);
  });

  it('starts at once when the next request would not fit', async () => {
    const { batcher, clock, batches, ends } = fixture();
    void batcher.submit('a', 5, never());
    void batcher.submit('b', 4, never());
    expect(batches).toEqual([['a']]);
    ends[0]!.finish();
    await settle();
    expect(batches).toEqual([['a']]);
    clock.advance(5);
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('waits for nobody when the delay is 0', () => {
    const { batcher, batches } = fixture({ maxQueueDelayMs: 0 });
    void batcher.submit('a', 1, never());
    expect(batches).toEqual([['a']]);
  });

  it('runs one batch at a time and gathers the next meanwhile', async () => {
    const { batcher, clock, batches, ends } = fixture();
    void batcher.submit('a', 8, never());
    void batcher.submit('b', 1, never());
    void batcher.submit('c', 1, never());
    clock.advance(50);
    expect(batches).toEqual([['a']]);
    ends[0]!.finish();
    await settle();
    expect(batches).toEqual([['a'], ['b', 'c']]);
  });

  it('refuses what can never fit', async () => {
    const { batcher } = fixture();
    for (const samples of [0, 9, 1.5, NaN]) {
      await expect(
        batcher.submit('a', samples, never()),
      ).rejects.toBeInstanceOf(InvalidRequestError);
    }
  });

  it('refuses one request more than the queue holds', async () => {
    const { batcher } = fixture();
    void batcher.submit('running', 8, never());
    for (const item of ['a', 'b', 'c']) void batcher.submit(item, 1, never());
    const error = await batcher
      .submit('d', 1, never())
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TeacherOverloadedError);
    expect(error).toMatchObject({ metadata: { depth: '3' } });
  });

  it('never computes a request that was cancelled while it waited', async () => {
    const { batcher, clock, batches, ends } = fixture();
    const gone = AbortSignal.abort(new Error('gone before'));
    await expect(batcher.submit('x', 1, gone)).rejects.toThrow('gone before');
    const cancel = new AbortController();
    const a = batcher.submit('a', 5, cancel.signal);
    const b = batcher.submit('b', 1, never());
    cancel.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    clock.advance(5);
    expect(batches).toEqual([['b']]);
    ends[0]!.finish();
    expect(await b).toBe('b!');
  });

  it('rejects at once a request cancelled while it is computed', async () => {
    const { batcher, batches, ends } = fixture();
    const cancel = new AbortController();
    const a = batcher.submit('a', 4, cancel.signal);
    const b = batcher.submit('b', 4, never());
    expect(batches).toEqual([['a', 'b']]);
    cancel.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    ends[0]!.finish();
    expect(await b).toBe('b!');
  });

  it('starts what a cancelled request held back', async () => {
    const { batcher, clock, batches } = fixture();
    const cancel = new AbortController();
    void batcher.submit('running', 8, never());
    const a = batcher.submit('a', 8, cancel.signal);
    cancel.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    void batcher.submit('b', 1, never());
    clock.advance(5);
    expect(batches).toEqual([['running']]);
  });

  it('fails every request of a batch that fails, and goes on', async () => {
    const { batcher, batches, ends } = fixture();
    const a = batcher.submit('a', 4, never());
    const b = batcher.submit('b', 4, never());
    ends[0]!.fail(new Error('no memory'));
    await expect(a).rejects.toThrow('no memory');
    await expect(b).rejects.toThrow('no memory');
    void batcher.submit('c', 8, never());
    expect(batches).toEqual([['a', 'b'], ['c']]);
  });

  it('drains: refuses the waiting, finishes the running', async () => {
    const { batcher, ends } = fixture();
    const running = batcher.submit('a', 8, never());
    const waiting = batcher.submit('b', 8, never());
    const closed = batcher.close();
    await expect(waiting).rejects.toBeInstanceOf(DrainingError);
    await expect(batcher.submit('c', 1, never())).rejects.toBeInstanceOf(
      DrainingError,
    );
    ends[0]!.finish();
    expect(await running).toBe('a!');
    await closed;
  });

  it('answers each request once, in bounds and in order, whatever comes', async () => {
    const arrivals = fc.array(
      fc.record({ samples: fc.integer({ min: 1, max: 8 }), gapMs: fc.nat(6) }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(arrivals, async (requests) => {
        const { batcher, clock, batches, starts, ends } = fixture({
          maxQueuedRequests: 30,
        });
        const answers = requests.map(({ samples, gapMs }, i) => {
          clock.advance(gapMs);
          return batcher.submit(String(i), samples, never());
        });
        for (let batch = 0; batches.flat().length < requests.length;) {
          clock.advance(5);
          while (batch < ends.length) ends[batch++]!.finish();
          await settle();
        }
        ends.at(-1)?.finish();
        const expected = requests.map((_, i) => `${i}!`);
        expect(await Promise.all(answers)).toEqual(expected);
        expect(batches.flat()).toEqual(requests.map((_, i) => String(i)));
        for (const { samples } of starts) expect(samples).toBeLessThan(9);
      }),
      { numRuns: 50 },
    );
  });
});
