import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Bus,
  BusEvent,
  JsonObject,
  WorkItem,
  WorkSettings,
} from '#runtime/bus/bus.js';
import { subjects } from '#runtime/bus/subjects.js';
import {
  DrainingError,
  InvalidRequestError,
  RecordConflictError,
} from '#runtime/errors.js';

/** What the suite asks of the bus it is given, so that leases end soon. */
export const contractWork: WorkSettings = { leaseMs: 400, maxDeliveries: 3 };

/** A name that no other test has used. */
export const unique = () => randomUUID().slice(0, 8);

export async function collect(
  events: AsyncIterable<BusEvent>,
  count: number,
): Promise<BusEvent[]> {
  const seen: BusEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

const numbers = (events: BusEvent[]) => events.map(({ data }) => data['n']);
const never = () => new AbortController().signal;

/** Runs on every implementation of `Bus`. */
export function busContract(open: () => Promise<Bus>): void {
  let bus: Bus;
  beforeAll(async () => {
    bus = await open();
  });
  afterAll(() => bus.close());

  async function publishAll(subject: string, count: number): Promise<void> {
    for (let n = 1; n <= count; n++) await bus.publish(subject, { n });
  }

  describe('events', () => {
    it('keep their order, from the start and while they come', async () => {
      const subject = `rrd.v1.test.${unique()}`;
      await publishAll(subject, 3);
      const events = bus.subscribe(subject, { from: 'start', signal: never() });
      const seen = collect(events, 6);
      await publishAll(subject, 3);
      expect(numbers(await seen)).toEqual([1, 2, 3, 1, 2, 3]);
      const order = (await seen).map(({ sequence }) => sequence);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(new Set(order).size).toBe(6);
    });

    it('come as they were sent', async () => {
      const subject = `rrd.v1.test.${unique()}`;
      const event = {
        text: 'Grüße 測試 "\\\n',
        number: -0.1,
        nothing: null,
        nested: [{ yes: true }, []],
      };
      await bus.publish(subject, event);
      const events = bus.subscribe(subject, { from: 'start', signal: never() });
      const [seen] = await collect(events, 1);
      expect(seen).toMatchObject({ subject, data: event });
    });

    it('from now: those after the call, none before', async () => {
      const subject = `rrd.v1.test.${unique()}`;
      await publishAll(subject, 2);
      const events = bus.subscribe(subject, { from: 'now', signal: never() });
      await bus.publish(subject, { n: 99 });
      expect(numbers(await collect(events, 1))).toEqual([99]);
    });

    it('after a sequence number: those behind it', async () => {
      const subject = `rrd.v1.test.${unique()}`;
      await publishAll(subject, 4);
      const all = await collect(
        bus.subscribe(subject, { from: 'start', signal: never() }),
        4,
      );
      const from = { after: all[1]?.sequence ?? 0 };
      const rest = bus.subscribe(subject, { from, signal: never() });
      expect(numbers(await collect(rest, 2))).toEqual([3, 4]);
    });

    it('match patterns: * is one token, > is the rest', async () => {
      const root = `rrd.v1.test.${unique()}`;
      for (const end of ['a.event', 'b.event', 'b.cancel', 'b.x.event', 'z']) {
        await bus.publish(`${root}.${end}`, { end });
      }
      const ends = async (pattern: string, count: number) => {
        const events = bus.subscribe(`${root}.${pattern}`, {
          from: 'start',
          signal: never(),
        });
        return (await collect(events, count)).map(({ data }) => data['end']);
      };
      expect(await ends('*.event', 2)).toEqual(['a.event', 'b.event']);
      expect(await ends('b.>', 3)).toEqual([
        'b.event',
        'b.cancel',
        'b.x.event',
      ]);
      expect(await ends('*', 1)).toEqual(['z']);
    });

    it('with a message id seen before are stored once', async () => {
      const subject = `rrd.v1.test.${unique()}`;
      const messageId = unique();
      await bus.publish(subject, { n: 1 }, { messageId });
      await bus.publish(subject, { n: 2 }, { messageId });
      await bus.publish(subject, { n: 3 });
      const events = bus.subscribe(subject, { from: 'start', signal: never() });
      expect(numbers(await collect(events, 2))).toEqual([1, 3]);
    });

    it('reach two readers alike, a thousand of them', async () => {
      const subject = `rrd.v1.test.${unique()}`;
      const read = () =>
        collect(bus.subscribe(subject, { from: 'now', signal: never() }), 1000);
      const readers = [read(), read()];
      await Promise.all(
        Array.from({ length: 1000 }, (_, n) => bus.publish(subject, { n })),
      );
      const [one = [], two = []] = await Promise.all(readers);
      expect(new Set(numbers(one)).size).toBe(1000);
      expect(one).toEqual(two);
    });

    it('are refused under a wrong subject or above the size limit', async () => {
      for (const subject of ['a.b', 'rrd.v1.a b', 'rrd.v1.*', 'rrd.v1..x']) {
        await expect(bus.publish(subject, {})).rejects.toThrow(
          InvalidRequestError,
        );
      }
      const text = 'x'.repeat(1_000_000);
      await expect(
        bus.publish(`rrd.v1.test.${unique()}`, { text }),
      ).rejects.toThrow(InvalidRequestError);
    });

    it('end for a reader whose signal aborts', async () => {
      const abort = new AbortController();
      const subject = `rrd.v1.test.${unique()}`;
      await publishAll(subject, 2);
      const seen: unknown[] = [];
      const events = bus.subscribe(subject, {
        from: 'start',
        signal: abort.signal,
      });
      for await (const { data } of events) {
        seen.push(data['n']);
        if (seen.length === 2) setTimeout(() => abort.abort(), 20);
      }
      expect(seen).toEqual([1, 2]);
    });
  });

  describe('work', () => {
    const take = (queue: string, signal: AbortSignal = never()) =>
      bus.take(queue, signal);
    const work = (item: WorkItem | undefined) => item?.work['n'];

    it('goes to one taker each, first in, first out', async () => {
      const queue = unique();
      for (let n = 1; n <= 3; n++) await bus.offer(queue, { n });
      const items = [await take(queue), await take(queue), await take(queue)];
      expect(items.map(work)).toEqual([1, 2, 3]);
      expect(items.map((item) => item?.delivery)).toEqual([1, 1, 1]);
      for (const item of items) await item?.done();
    });

    it('is waited for', async () => {
      const queue = unique();
      const taken = take(queue);
      await delay(20);
      await bus.offer(queue, { n: 1 });
      expect(work(await taken)).toBe(1);
      await (await taken)?.done();
    });

    it('with a message id seen before is queued once', async () => {
      const queue = unique();
      const messageId = unique();
      await bus.offer(queue, { n: 1 }, { messageId });
      await bus.offer(queue, { n: 2 }, { messageId });
      await bus.offer(queue, { n: 3 });
      const items = [await take(queue), await take(queue)];
      expect(items.map(work)).toEqual([1, 3]);
      for (const item of items) await item?.done();
    });

    it('comes again when its lease runs out', async () => {
      const queue = unique();
      await bus.offer(queue, { n: 1 });
      await take(queue);
      const startMs = performance.now();
      const again = await take(queue);
      expect(again).toMatchObject({ work: { n: 1 }, delivery: 2 });
      expect(performance.now() - startMs).toBeGreaterThan(200);
      await again?.done();
    });

    it('stays while it is extended, and is gone when done', async () => {
      const queue = unique();
      await bus.offer(queue, { n: 1 });
      const item = await take(queue);
      const abort = new AbortController();
      const other = take(queue, abort.signal);
      for (let i = 0; i < 4; i++) {
        await delay(contractWork.leaseMs / 2);
        await item?.extend();
      }
      await item?.done();
      await delay(contractWork.leaseMs * 1.5);
      abort.abort();
      expect(await other).toBeUndefined();
    });

    it('comes at once when released', async () => {
      const queue = unique();
      await bus.offer(queue, { n: 1 });
      await (await take(queue))?.release();
      const startMs = performance.now();
      const again = await take(queue);
      expect(performance.now() - startMs).toBeLessThan(contractWork.leaseMs);
      expect(again?.delivery).toBe(2);
      await again?.done();
    });

    it('is dropped after maxDeliveries, which is told', async () => {
      const queue = unique();
      const dropped = collect(
        bus.subscribe(subjects.dropped(queue), {
          from: 'now',
          signal: never(),
        }),
        1,
      );
      await bus.offer(queue, { n: 1 });
      await bus.offer(queue, { n: 2 });
      for (let i = 1; i <= contractWork.maxDeliveries; i++) {
        const item = await take(queue);
        expect(item).toMatchObject({ work: { n: 1 }, delivery: i });
        await item?.release();
      }
      const next = await take(queue);
      expect(work(next)).toBe(2);
      await next?.done();
      const [event] = await dropped;
      expect(event?.data).toEqual({ work: { n: 1 }, deliveries: 3 });
    });

    it('is not lost to a taker that gave up waiting', async () => {
      const queue = unique();
      const abort = new AbortController();
      const taken = take(queue, abort.signal);
      await delay(20);
      abort.abort();
      expect(await taken).toBeUndefined();
      await bus.offer(queue, { n: 1 });
      const item = await take(queue);
      expect(item).toMatchObject({ work: { n: 1 }, delivery: 1 });
      await item?.done();
      expect(await take(queue, AbortSignal.abort())).toBeUndefined();
    });
  });

  describe('records', () => {
    const value = (n: number): JsonObject => ({ n });

    it('are created, read, updated, listed and deleted', async () => {
      const records = await bus.records(unique());
      expect(await records.list()).toEqual([]);
      const first = await records.create('a', value(1));
      await records.create('b', value(2));
      const second = await records.update('a', value(3), first);
      expect(second).toBeGreaterThan(first);
      expect(await records.get('a')).toEqual({
        key: 'a',
        value: value(3),
        revision: second,
      });
      const all = await records.list();
      expect(all.map(({ key }) => key).sort()).toEqual(['a', 'b']);
      expect((await records.keys()).sort()).toEqual(['a', 'b']);
      await expect(records.delete('a', first)).rejects.toThrow(
        RecordConflictError,
      );
      await records.delete('a', second);
      await expect(records.delete('a', second)).rejects.toThrow(
        RecordConflictError,
      );
      expect(await records.get('a')).toBeUndefined();
      expect((await records.list()).map(({ key }) => key)).toEqual(['b']);
      await records.create('a', value(4));
      expect((await records.get('a'))?.value).toEqual(value(4));
    });

    it('refuse a second creation and an outdated revision', async () => {
      const records = await bus.records(unique());
      const first = await records.create('a', value(1));
      await expect(records.create('a', value(2))).rejects.toThrow(
        RecordConflictError,
      );
      await records.update('a', value(3), first);
      await expect(records.update('a', value(4), first)).rejects.toThrow(
        RecordConflictError,
      );
      await expect(records.update('new', value(4), first)).rejects.toThrow(
        RecordConflictError,
      );
      expect((await records.get('a'))?.value).toEqual(value(3));
    });

    it('let exactly one of many concurrent writers win', async () => {
      const records = await bus.records(unique());
      const revision = await records.create('a', value(0));
      const writes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, n) =>
          records.update('a', value(n), revision),
        ),
      );
      const won = writes.filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
    });

    it('are shared by all who name the same bucket', async () => {
      const bucket = unique();
      await (await bus.records(bucket)).create('a', value(1));
      const same = await bus.records(bucket);
      expect((await same.get('a'))?.value).toEqual(value(1));
      await expect(bus.records('a b')).rejects.toThrow(InvalidRequestError);
      await expect(same.create('a.b', value(1))).rejects.toThrow(
        InvalidRequestError,
      );
    });
  });

  describe('close', () => {
    it('ends readers and takers, and can be called again', async () => {
      const closing = await open();
      expect(closing.connection().connected).toBe(true);
      const events = closing.subscribe(`rrd.v1.test.${unique()}`, {
        from: 'now',
        signal: never(),
      });
      const seen = collect(events, 1);
      const taken = closing.take(unique(), never());
      await delay(50);
      await Promise.all([closing.close(), closing.close()]);
      await closing.close();
      expect(await seen).toEqual([]);
      expect(await taken).toBeUndefined();
      await expect(
        closing.publish(`rrd.v1.test.${unique()}`, {}),
      ).rejects.toThrow(DrainingError);
    });
  });
}
