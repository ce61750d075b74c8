import { describe, expect, it } from 'vitest';
import { Inbox, type StepPart } from './inbox.js';

const part: StepPart = {
  ...{ step: 5, kind: 'vector', source: 1, offset: 0, totalBytes: 4 },
  data: Uint8Array.of(1, 2, 3, 4),
};
const key = { step: 5, kind: 'vector', source: 1 } as const;

describe('Inbox', () => {
  it('joins the parts of a thing and hands it out once', async () => {
    const inbox = new Inbox(5, 100, 2);
    const waiting = inbox.take(key);
    inbox.put({ ...part, data: part.data.subarray(0, 3) });
    inbox.put({ ...part, offset: 3, data: part.data.subarray(3) });
    expect([...(await waiting)]).toEqual([1, 2, 3, 4]);
    const again = inbox.take(key);
    inbox.close(new Error('over'));
    await expect(again).rejects.toThrow('over');
  });

  it('knows something without bytes from something that is missing', async () => {
    const inbox = new Inbox(5, 100, 2);
    inbox.put({ ...part, totalBytes: 0, data: new Uint8Array() });
    expect(await inbox.take(key)).toHaveLength(0);
  });

  it('takes parts of the next step as well, once that has come', async () => {
    const inbox = new Inbox(5, 100, 2);
    inbox.put({ ...part, step: 6 });
    expect(() => inbox.put({ ...part, step: 7 })).toThrow('5 or 6');
    inbox.advance(6);
    expect(() => inbox.put(part)).toThrow('step is 5, expected 6 or 7');
    expect(await inbox.take({ ...key, step: 6 })).toHaveLength(4);
  });

  it.each([
    ['more bytes than anything has', { totalBytes: 101 }, 'total_bytes is 101'],
    ['an unknown source', { source: 3 }, 'source is 3, expected at most 2'],
    ['a gap', { offset: 1, totalBytes: 9 }, 'offset is 1, expected 0'],
    ['more than it announced', { totalBytes: 3 }, 'no more than the total'],
  ])('refuses %s', (_, changes, message) => {
    const inbox = new Inbox(5, 100, 2);
    expect(() => inbox.put({ ...part, ...changes })).toThrow(message);
  });

  it('refuses parts that do not agree about their total, and repeated ones', () => {
    const inbox = new Inbox(5, 100, 2);
    inbox.put(part);
    expect(() => inbox.put({ ...part, totalBytes: 8 })).toThrow('4, as before');
    expect(() => inbox.put(part)).toThrow('offset is 0, expected 4');
  });
});
