import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BusFullError } from '../errors.js';
import { dedupWindowMs, type BusEvent } from './bus.js';
import { MemoryBus } from './memory.js';

/** What the contract suite (test/contract) cannot see or wait for. */

const never = new AbortController().signal;
const subject = 'rrd.v1.test';

async function collect(events: AsyncIterable<BusEvent>, count: number) {
  const seen: unknown[] = [];
  for await (const { data } of events) {
    seen.push(data['n']);
    if (seen.length === count) break;
  }
  return seen;
}

describe('limits', () => {
  it('drop the oldest events by number and by bytes', async () => {
    for (const limits of [{ maxEvents: 3 }, { maxEventBytes: 3 * 7 }]) {
      const bus = new MemoryBus({ limits });
      for (let n = 1; n <= 5; n++) await bus.publish(subject, { n });
      const events = bus.subscribe(subject, { from: 'start', signal: never });
      expect(await collect(events, 3)).toEqual([3, 4, 5]);
    }
  });

  it('let a reader that fell behind go on with what is left', async () => {
    const bus = new MemoryBus({ limits: { maxEvents: 3 } });
    const events = bus.subscribe(subject, { from: 'start', signal: never });
    const reader = events[Symbol.asyncIterator]();
    await bus.publish(subject, { n: 1 });
    await reader.next();
    for (let n = 2; n <= 9; n++) await bus.publish(subject, { n });
    expect((await reader.next()).value).toMatchObject({ data: { n: 7 } });
  });

  it('refuse work that nobody takes', async () => {
    const bus = new MemoryBus({ limits: { maxQueuedItems: 2 } });
    await bus.offer('q', {});
    await bus.offer('q', {});
    await bus.take('q', never);
    await expect(bus.offer('q', {})).rejects.toThrow(BusFullError);
    await bus.close();
  });
});

describe('message ids', () => {
  it('are forgotten after the window', async () => {
    let nowMs = 0;
    const bus = new MemoryBus({ now: () => nowMs });
    const publish = (n: number) =>
      bus.publish(subject, { n }, { messageId: 'same' });
    await publish(1);
    nowMs = dedupWindowMs - 1;
    await publish(2);
    nowMs = dedupWindowMs;
    await publish(3);
    const events = bus.subscribe(subject, { from: 'start', signal: never });
    expect(await collect(events, 2)).toEqual([1, 3]);
  });
});

describe('isolation', () => {
  it('what was sent does not change with its sender', async () => {
    const bus = new MemoryBus();
    const event = { n: 1 };
    await bus.publish(subject, event);
    event.n = 2;
    const events = bus.subscribe(subject, { from: 'start', signal: never });
    expect(await collect(events, 1)).toEqual([1]);
  });
});

describe('a closed bus', () => {
  it('keeps no process alive', async () => {
    const module = new URL('./memory.js', import.meta.url).href;
    const program = `
      import { MemoryBus } from '${module}';
      const bus = new MemoryBus();
      const { signal } = new AbortController();
      await bus.offer('q', {});
      await bus.take('q', signal);
      void bus.take('q', signal);
      void bus.subscribe('rrd.v1.x', { from: 'now', signal })
        [Symbol.asyncIterator]().next();
      await bus.close();
      console.log('closed');`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', program],
      { timeout: 15_000 },
    );
    expect(stdout).toBe('closed\n');
  });
});
