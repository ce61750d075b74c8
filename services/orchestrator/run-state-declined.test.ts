import { describe, expect, it } from 'vitest';
import type { RunRecord } from './run-record.js';
import { runRecord } from './run-record.test-fixture.js';
import { transition } from './run-state.js';

const policy = { maxAttempts: 3, unableTimeoutMs: 10_000 };
const nowMs = 2_000;
const failure = {
  ...{ reason: 'DATASET_NOT_FOUND', message: 'no data set named d' },
  metadata: { dataset: 'd' },
};

/** A run at attempt 2, one retry gone. */
const run = (phase: RunRecord['phase'], more: Partial<RunRecord> = {}) =>
  runRecord({ phase, attempt: 2, retries: 1, ...more });

const after = (record: RunRecord, type: 'resume-requested' | 'claimed') => {
  const event =
    type === 'claimed' ? { type, attempt: 2, worker: 'w' } : { type };
  return transition(record, event, nowMs, policy).record;
};

describe('a run that workers pass on', () => {
  const declined = (record: RunRecord, atMs: number) => {
    const { attempt } = record;
    const event = { type: 'declined', attempt, worker: 'w', failure } as const;
    return transition(record, event, atMs, policy).record;
  };

  it('is offered again at no cost, later and later', () => {
    let record = run('pending');
    const waits: number[] = [];
    for (let i = 0; i < 11; i++) {
      record = declined(record, nowMs);
      waits.push(record.notBeforeMs - nowMs);
    }
    expect(waits).toEqual([
      ...Array.from({ length: 8 }, () => 0),
      ...[1_000, 2_000, 4_000],
    ]);
    expect(record).toMatchObject({
      ...{ phase: 'pending', attempt: 13, retries: 1, worker: '' },
      ...{ failure, declines: 11, declinedMs: nowMs },
    });
  });

  it('fails once it has waited for long enough', () => {
    const first = declined(run('resuming'), nowMs);
    expect(declined(first, nowMs + 9_999).phase).toBe('resuming');
    const last = declined(first, nowMs + 10_000);
    expect(last).toMatchObject({ phase: 'failed', failure, retries: 1 });
    const again = after(last, 'resume-requested');
    expect(again).toMatchObject({ phase: 'resuming', declines: 0 });
  });

  it('is as good as new once a worker takes it', () => {
    const taken = after(
      run('pending', { declines: 3, declinedMs: 1 }),
      'claimed',
    );
    expect(taken).toMatchObject({ phase: 'preparing', declines: 0 });
  });

  it('is no business of who passed an older offer on', () => {
    const event = {
      type: 'declined',
      attempt: 2,
      worker: 'w',
      failure,
    } as const;
    const record = run('pending', { attempt: 3 });
    expect(transition(record, event, nowMs, policy).record).toBe(record);
  });
});
