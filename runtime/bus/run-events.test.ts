import { describe, expect, it } from 'vitest';
import { MemoryBus } from './memory.js';
import {
  publishRunEvent,
  runEvents,
  runEventSchema,
  stopRequests,
  type StopRequest,
} from './run-events.js';
import { subjects } from './subjects.js';

const never = new AbortController().signal;
const from = { attempt: 1, worker: 'w' };

describe('events of runs', () => {
  it('come typed, with the run they are about', async () => {
    const bus = new MemoryBus();
    const events = runEvents(bus, undefined, { from: 'now', signal: never });
    await publishRunEvent(bus, 'a', { type: 'claimed', ...from });
    await bus.publish(subjects.runEvent('b'), { type: 'claimed' });
    const seen = [];
    for await (const event of events) {
      seen.push(event);
      if (seen.length === 2) break;
    }
    expect(seen).toMatchObject([
      { runId: 'a', event: { type: 'claimed', worker: 'w' } },
      { runId: 'b', event: undefined },
    ]);
    expect(seen[1]?.problem).toContain('attempt');
  });

  it.each([
    ['an unknown type', { type: 'dancing', ...from }],
    ['attempt 0', { type: 'claimed', attempt: 0, worker: 'w' }],
    ['no worker', { type: 'claimed', attempt: 1, worker: '' }],
    ['progress without numbers', { type: 'progress', ...from, progress: {} }],
    ['failure without reason', { type: 'failed', ...from, failure: {} }],
    ['nothing', {}],
  ])('%s is refused', (_, data) => {
    expect(runEventSchema.safeParse(data).success).toBe(false);
  });
});

describe('stop requests', () => {
  it('reach whom they concern, also when they came first', async () => {
    const bus = new MemoryBus();
    const stop = (request: StopRequest) =>
      bus.publish(subjects.runCancel('a'), request);
    await stop({ attempt: 1, reason: 'lease-lost' });
    await stop({ attempt: 2, worker: 'other', reason: 'lease-lost' });
    await bus.publish(subjects.runCancel('a'), { attempt: 'all' });
    await stop({ attempt: 2, worker: 'w', epoch: 5, reason: 'lease-lost' });
    await stop({ attempt: 3, epoch: 6, reason: 'cancelled' });
    await stop({ attempt: 2, epoch: 4, reason: 'cancelled' });
    const holder = { attempt: 2, worker: 'w', epoch: 5 };
    const seen = [];
    for await (const request of stopRequests(bus, 'a', holder, never)) {
      seen.push(request);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([
      { attempt: 2, worker: 'w', epoch: 5, reason: 'lease-lost' },
      { attempt: 3, epoch: 6, reason: 'cancelled' },
    ]);
  });
});
