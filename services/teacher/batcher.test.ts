import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DeadlineExceededError,
  DrainingError,
  InvalidRequestError,
  TeacherOverloadedError,
} from '#runtime/errors.js';
import {
  Batcher,
  type BatcherConfig,
  type BatchStart,
  type Clock,
  type Submission,
} from './batcher.js';

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

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A batcher whose batches end when the test says so. */
function fixture(changes: Partial<BatcherConfig> = {}) {
  const config = {
    maxBatchSize: 8,
    preferredBatchSizes: [],
    maxQueueDelayMs: 5,
    maxQueuedRequests: 3,
    instances: 1,
    ...changes,
  };
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
  const batcher = new Batcher<string, string>(config, compute, clock, (start) =>
    starts.push(start),
  );
  const submit = (
    item: string,
    samples: number,
    changes: Partial<Submission> = {},
  ) =>
    batcher.submit(item, {
      ...{ samples, client: 'one', priority: 0, deadlineMs: Infinity },
      ...{ signal: new AbortController().signal, ...changes },
    });
  return { batcher, submit, clock, batches, starts, ends };
}

describe('Batcher', () => {
  it('merges what arrives within the delay, and splits the results', async () => {
    const { submit, clock, batches, starts, ends } = fixture();
    const a = submit('a', 3);
    clock.advance(4);
    const b = submit('b', 4);
    expect(batches).toEqual([]);
    clock.advance(1);
    expect(batches).toEqual([['a', 'b']]);
    expect(starts).toEqual([{ samples: 7, waitsMs: [5, 1] }]);
    ends[0]!.finish();
    expect(await Promise.all([a, b])).toEqual(['a!', 'b!']);
  });

  it('starts a full batch at once', () => {
    const { submit, batches } = fixture();
    void submit('a', 5);
    void submit('b', 3);
    expect(batches).toEqual([['a', 'b']]);
  });

  it('starts at once when the next request would not fit', async () => {
    const { submit, clock, batches, ends } = fixture();
    void submit('a', 5);
    void submit('b', 4);
    expect(batches).toEqual([['a']]);
    ends[0]!.finish();
    await settle();
    expect(batches).toEqual([['a']]);
    clock.advance(5);
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('waits for nobody when the delay is 0', () => {
    const { submit, batches } = fixture({ maxQueueDelayMs: 0 });
    void submit('a', 1);
    expect(batches).toEqual([['a']]);
  });

  it('runs one batch at a time and gathers the next meanwhile', async () => {
    const { submit, clock, batches, ends } = fixture();
    void submit('a', 8);
    void submit('b', 1);
    void submit('c', 1);
    clock.advance(50);
    expect(batches).toEqual([['a']]);
    ends[0]!.finish();
    await settle();
    expect(batches).toEqual([['a'], ['b', 'c']]);
  });

  it('refuses what can never fit', async () => {
    const { submit } = fixture();
    for (const samples of [0, 9, 1.5, NaN]) {
      await expect(submit('a', samples)).rejects.toBeInstanceOf(
        InvalidRequestError,
      );
    }
  });

  it('refuses one request more than the queue holds', async () => {
    const { submit } = fixture();
    void submit('running', 8);
    for (const item of ['a', 'b', 'c']) void submit(item, 1);
    const error = await submit('d', 1).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TeacherOverloadedError);
    expect(error).toMatchObject({ metadata: { depth: '3' } });
  });

  it('never computes a request that was cancelled while it waited', async () => {
    const { submit, clock, batches, ends } = fixture();
    const gone = AbortSignal.abort(new Error('gone before'));
    await expect(submit('x', 1, { signal: gone })).rejects.toThrow(
      'gone before',
    );
    const cancel = new AbortController();
    const a = submit('a', 5, { signal: cancel.signal });
    const b = submit('b', 1);
    cancel.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    clock.advance(5);
    expect(batches).toEqual([['b']]);
    ends[0]!.finish();
    expect(await b).toBe('b!');
  });

  it('rejects at once a request cancelled while it is computed', async () => {
    const { submit, batches, ends } = fixture();
    const cancel = new AbortController();
    const a = submit('a', 4, { signal: cancel.signal });
    const b = submit('b', 4);
    expect(batches).toEqual([['a', 'b']]);
    cancel.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    ends[0]!.finish();
    expect(await b).toBe('b!');
  });

  it('starts what a cancelled request held back', async () => {
    const { submit, clock, batches } = fixture();
    const cancel = new AbortController();
    void submit('running', 8);
    const a = submit('a', 8, { signal: cancel.signal });
    cancel.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    void submit('b', 1);
    clock.advance(5);
    expect(batches).toEqual([['running']]);
  });

  it('fails every request of a batch that fails, and goes on', async () => {
    const { submit, batches, ends } = fixture();
    const a = submit('a', 4);
    const b = submit('b', 4);
    ends[0]!.fail(new Error('no memory'));
    await expect(a).rejects.toThrow('no memory');
    await expect(b).rejects.toThrow('no memory');
    void submit('c', 8);
    expect(batches).toEqual([['a', 'b'], ['c']]);
  });

  it('drains: refuses the waiting, finishes the running', async () => {
    const { batcher, submit, ends } = fixture();
    const running = submit('a', 8);
    const waiting = submit('b', 8);
    const closed = batcher.close();
    await expect(waiting).rejects.toBeInstanceOf(DrainingError);
    await expect(submit('c', 1)).rejects.toBeInstanceOf(DrainingError);
    ends[0]!.finish();
    expect(await running).toBe('a!');
    await closed;
  });

  it('waits for a preferred size, and no longer once it is there', async () => {
    const { submit, clock, batches, ends } = fixture({
      ...{ maxBatchSize: 16, preferredBatchSizes: [4, 8] },
      maxQueuedRequests: 20,
    });
    void submit('a', 3);
    clock.advance(4);
    expect(batches).toEqual([]);
    void submit('b', 1);
    expect(batches).toEqual([['a', 'b']]);
    for (const item of ['c', 'd', 'e', 'f', 'g']) void submit(item, 2);
    ends[0]!.finish();
    await settle();
    expect(batches[1]).toEqual(['c', 'd', 'e', 'f']);
    ends[1]!.finish();
    await settle();
    expect(batches).toHaveLength(2);
    clock.advance(5);
    expect(batches[2]).toEqual(['g']);
  });

  it('computes as many batches at a time as there are instances', async () => {
    const { submit, batches, ends } = fixture({ instances: 2 });
    for (const item of ['a', 'b', 'c']) void submit(item, 8);
    expect(batches).toEqual([['a'], ['b']]);
    ends[1]!.finish();
    await settle();
    expect(batches).toEqual([['a'], ['b'], ['c']]);
  });

  it('takes turns between clients, not between their requests', async () => {
    const { submit, batches, ends } = fixture({ maxQueuedRequests: 20 });
    void submit('running', 8);
    for (const item of ['a1', 'a2', 'a3', 'a4']) {
      void submit(item, 4, { client: 'a' });
    }
    for (const client of ['b', 'c']) void submit(`${client}1`, 4, { client });
    for (let i = 0; i < 3; i++) {
      ends[i]!.finish();
      await settle();
    }
    expect(batches.slice(1)).toEqual([
      ['a1', 'b1'],
      ['c1', 'a2'],
      ['a3', 'a4'],
    ]);
  });

  it('computes a higher priority first', async () => {
    const { submit, batches, ends } = fixture();
    void submit('running', 8);
    void submit('low', 8, { priority: -1 });
    void submit('usual', 8);
    void submit('high', 8, { priority: 2 });
    for (let i = 0; i < 3; i++) {
      ends[i]!.finish();
      await settle();
    }
    expect(batches.slice(1)).toEqual([['high'], ['usual'], ['low']]);
  });

  it('never computes a request whose deadline has passed', async () => {
    const { submit, clock, batches, ends } = fixture();
    void submit('running', 8);
    const late = submit('late', 1, { deadlineMs: 10 });
    const fine = submit('fine', 1, { deadlineMs: 11 });
    clock.advance(10);
    ends[0]!.finish();
    await expect(late).rejects.toBeInstanceOf(DeadlineExceededError);
    expect(batches).toEqual([['running'], ['fine']]);
    ends[1]!.finish();
    expect(await fine).toBe('fine!');
    const never = submit('never', 1, { deadlineMs: 0 });
    await expect(never).rejects.toBeInstanceOf(DeadlineExceededError);
  });

  it('lets who fills the queue give way to who has less in it', async () => {
    const { submit, clock, batches, ends } = fixture();
    void submit('running', 8);
    const [a1, a2, a3] = ['a1', 'a2', 'a3'].map((item) =>
      submit(item, 1, { client: 'a' }),
    );
    const b1 = submit('b1', 1, { client: 'b' });
    await expect(a3).rejects.toBeInstanceOf(TeacherOverloadedError);
    const b2 = submit('b2', 1, { client: 'b' });
    await expect(b2).rejects.toBeInstanceOf(TeacherOverloadedError);
    clock.advance(5);
    ends[0]!.finish();
    await settle();
    expect(batches[1]).toEqual(['a1', 'b1', 'a2']);
    ends[1]!.finish();
    expect(await Promise.all([a1, b1, a2])).toEqual(['a1!', 'b1!', 'a2!']);
  });

  it('answers each request once, in bounds and in order, whatever comes', async () => {
    const arrivals = fc.array(
      fc.record({ samples: fc.integer({ min: 1, max: 8 }), gapMs: fc.nat(6) }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(arrivals, async (requests) => {
        const { submit, clock, batches, starts, ends } = fixture({
          maxQueuedRequests: 30,
        });
        const answers = requests.map(({ samples, gapMs }, i) => {
          clock.advance(gapMs);
          return submit(String(i), samples);
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
