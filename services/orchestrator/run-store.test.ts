import { describe, expect, it } from 'vitest';
import { MemoryBus } from '#runtime/bus/memory.js';
import { RecordConflictError, RunNotFoundError } from '#runtime/errors.js';
import { runRecord } from './run-record.test-fixture.js';
import { RunStore } from './run-store.js';

const run = (runId: string) => runRecord({ runId });

async function open() {
  const records = await new MemoryBus().records('runs');
  const refused: string[] = [];
  const again = (epoch = 1) =>
    RunStore.open(records, epoch, (key) => refused.push(key));
  return { records, refused, again, store: await again() };
}

describe('records', () => {
  it('count their changes and are there after a restart', async () => {
    const { store, again } = await open();
    await store.create(run('a'));
    await store.update({ ...store.get('a'), phase: 'preparing' });
    const last = await store.update({ ...store.get('a'), phase: 'running' });
    expect(last.revision).toBe(3);
    expect((await again()).get('a')).toEqual(last);
  });

  it('that are none are told and left alone', async () => {
    const { records, refused, again } = await open();
    await records.create('x', { runId: 'x', phase: 'dancing' });
    await records.create('y', { ...run('z') });
    expect((await again()).list()).toEqual([]);
    expect(refused).toEqual(['x', 'y']);
  });

  it('changed by somebody else are refused, then read again', async () => {
    const { store, again } = await open();
    await store.create(run('a'));
    const other = await again();
    await other.update({ ...other.get('a'), phase: 'cancelled' });
    const stale = { ...store.get('a'), phase: 'running' } as const;
    await expect(store.update(stale)).rejects.toThrow(RecordConflictError);
    await store.refresh('a');
    expect(store.get('a').phase).toBe('cancelled');
  });

  it('are taken over from an earlier leader, which writes no more', async () => {
    const { store, again } = await open();
    await store.create(run('live'));
    await store.create({ ...run('ended'), phase: 'failed' });
    const next = await again(2);
    expect(next.list().map(({ epoch }) => epoch)).toEqual([2, 2]);
    for (const runId of ['live', 'ended']) {
      const late = store.update(store.get(runId));
      await expect(late).rejects.toThrow(RecordConflictError);
      await expect(store.delete(runId)).rejects.toThrow(RecordConflictError);
    }
    // What is new has no revision to go by; it is found.
    await store.create(run('stray'));
    expect(next.find('stray')).toBeUndefined();
    await next.discover();
    expect(next.get('stray')).toMatchObject({ epoch: 1 });
  });

  it('that were deleted are gone', async () => {
    const { store } = await open();
    await store.create(run('a'));
    await store.delete('a');
    expect(() => store.get('a')).toThrow(RunNotFoundError);
  });
});

describe('watching', () => {
  const never = new AbortController().signal;

  it('gives a slow reader the newest of what it missed', async () => {
    const { store } = await open();
    await store.create(run('a'));
    const watch = store.watch('a', never);
    expect((await watch.next()).value).toMatchObject({ revision: 1 });
    for (let i = 0; i < 5; i++) await store.update(store.get('a'));
    await store.update({ ...store.get('a'), phase: 'succeeded' });
    expect((await watch.next()).value).toMatchObject({
      revision: 7,
      phase: 'succeeded',
    });
    expect((await watch.next()).done).toBe(true);
  });

  it('is not woken by other runs, and ends with its signal', async () => {
    const { store } = await open();
    await store.create(run('a'));
    await store.create(run('b'));
    const abort = new AbortController();
    const watch = store.watch('a', abort.signal);
    await watch.next();
    const next = watch.next();
    await store.update(store.get('b'));
    abort.abort();
    expect((await next).done).toBe(true);
  });
});
