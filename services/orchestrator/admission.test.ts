import { describe, expect, it } from 'vitest';
import { offersOf, queueOf } from './admission.js';
import type { RunRecord } from './run-record.js';
import { runRecord } from './run-record.test-fixture.js';

const nowMs = 5_000;
const none = { maxRunning: 0, maxRunningPerUser: 0 };

/** A run that waits for data set `d`, unless `more` says otherwise. */
const run = (runId: string, more: Partial<RunRecord> = {}) =>
  runRecord({ runId, experiment: { dataset: 'd', engine: 'auto' }, ...more });
const of = (dataset: string, engine = 'auto') => ({
  experiment: { dataset, engine },
});
const idsOf = (runs: readonly RunRecord[]) => runs.map(({ runId }) => runId);
const offered = (runs: readonly RunRecord[], limits = {}) =>
  idsOf(offersOf(runs, { ...none, ...limits }, nowMs));

describe('the queue', () => {
  it('goes by priority, then by submission, and has those that wait', () => {
    const runs = [
      run('late', { createdMs: 3 }),
      run('early', { createdMs: 1 }),
      run('urgent', { createdMs: 9, priority: 1 }),
      run('idle', { priority: -1, createdMs: 0 }),
      run('again', { phase: 'resuming', createdMs: 2 }),
      run('b', { createdMs: 4 }),
      run('a', { createdMs: 4 }),
      ...(['running', 'paused', 'succeeded', 'failed'] as const).map((phase) =>
        run(phase, { phase, priority: 9 }),
      ),
    ];
    expect(idsOf(queueOf(runs))).toEqual([
      ...['urgent', 'early', 'again', 'late', 'a', 'b', 'idle'],
    ]);
  });
});

describe('on offer', () => {
  it('is the first of those that need the same', () => {
    const runs = [
      run('second', { createdMs: 2 }),
      run('first', { createdMs: 1 }),
      run('rare', { createdMs: 3, ...of('e') }),
      run('other', { createdMs: 4, ...of('d', 'onnx') }),
    ];
    expect(offered(runs)).toEqual(['first', 'rare', 'other']);
  });

  it('is not one whose time has not come; the next one is', () => {
    const runs = [
      run('later', { priority: 1, notBeforeMs: nowMs + 1 }),
      run('now', { notBeforeMs: nowMs }),
    ];
    expect(offered(runs)).toEqual(['now']);
  });

  const held = (runId: string, user: string) =>
    run(runId, { phase: 'running', user });

  it('is no more than may run at a time', () => {
    const waiting = [run('a'), run('b', of('e')), run('c', of('f'))];
    const runs = [held('x', ''), ...waiting];
    expect(offered(runs, { maxRunning: 3 })).toEqual(['a', 'b']);
    expect(offered(runs, { maxRunning: 1 })).toEqual([]);
  });

  it('is no more of a user than may run; another goes first', () => {
    const runs = [
      ...[held('x', 'ann'), held('y', 'bob')],
      run('ann-1', { user: 'ann', priority: 5 }),
      run('bob-1', { user: 'bob', createdMs: 1 }),
      run('bob-2', { user: 'bob', createdMs: 2, ...of('e') }),
      run('cid-1', { user: 'cid', createdMs: 3 }),
    ];
    expect(offered(runs, { maxRunningPerUser: 1 })).toEqual(['cid-1']);
    expect(offered(runs, { maxRunningPerUser: 2 })).toEqual(['ann-1', 'bob-2']);
  });
});
