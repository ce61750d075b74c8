import { describe, expect, it } from 'vitest';
import { FifoQueue } from '#distill/queue.js';
import { Seeder } from './seeder.js';
import type { QueueSpec } from './queue-spec.js';

const spec: QueueSpec = {
  queue: 'q',
  capacity: 2 ** 12,
  featDim: 16,
  seed: 1,
  init: 'rows',
  worldSize: 1,
  teacherDigest: 't',
  projectionSeed: 0,
};
const { signal: never } = new AbortController();

describe('seeder', () => {
  it('draws the same rows in its thread as here', async () => {
    const fifo = await new Seeder().seed(spec, never);
    expect(fifo.rows).toEqual(FifoQueue.create(spec).rows);
  });

  it('stops drawing when nobody waits any more, and goes on', async () => {
    const seeder = new Seeder();
    const caller = new AbortController();
    const large = { ...spec, capacity: 2 ** 20 };
    const seeding = seeder.seed(large, caller.signal);
    const next = seeder.seed(spec, never);
    const reason = new Error('gone');
    setTimeout(() => caller.abort(reason), 200);
    await expect(seeding).rejects.toBe(reason);
    expect((await next).capacity).toBe(spec.capacity);
  });
});
