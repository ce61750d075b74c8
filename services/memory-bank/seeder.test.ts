import { describe, expect, it } from 'vitest';
import { SampleMemory } from '#distill/sample-memory.js';
import { Seeder } from './seeder.js';
import { createRows } from './queue-rows.js';
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
  precision: 'float32',
};
const { signal: never } = new AbortController();

describe('seeder', () => {
  it('draws the same rows in its thread as here', async () => {
    const fifo = await new Seeder().seed(spec, never);
    expect(fifo.rows).toEqual(createRows(spec).rows);
  });

  it('draws a memory of all samples there too', async () => {
    const memory = { ...spec, init: 'uniform', momentum: 0.5 } as const;
    const drawn = await new Seeder().seed(memory, never);
    expect(drawn).toBeInstanceOf(SampleMemory);
    expect(drawn.rows).toEqual(createRows(memory).rows);
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
