import { describe, expect, it } from 'vitest';
import { Leases } from './leases.js';
import type { RunRecord } from './run-record.js';
import { runRecord } from './run-record.test-fixture.js';

const settings = { leaseMs: 100, claimTimeoutMs: 1_000 };

const run = (more: Partial<RunRecord>) =>
  runRecord({ phase: 'running', ...more });

const pending = run({ runId: 'p', phase: 'pending', worker: '' });

describe('leases', () => {
  it('end after leaseMs of silence', () => {
    const leases = new Leases(settings);
    leases.renew(run({}), 5_000);
    expect(leases.judge(run({}), 5_099, 0)).toBeUndefined();
    expect(leases.judge(run({}), 5_100, 0)).toEqual({
      type: 'worker-silent',
      silentMs: 100,
    });
    leases.renew(run({}), 5_100);
    expect(leases.judge(run({}), 5_199, 0)).toBeUndefined();
  });

  it('do not count silence from before we listened', () => {
    const leases = new Leases(settings);
    leases.renew(run({}), 5_000);
    expect(leases.judge(run({}), 9_000, 8_950)).toBeUndefined();
    expect(leases.judge(run({}), 9_050, 8_950)).toBeDefined();
  });

  it('count from when we listen where nobody was heard yet', () => {
    const leases = new Leases(settings);
    expect(leases.judge(run({}), 9_099, 9_000)).toBeUndefined();
    expect(leases.judge(run({}), 9_100, 9_000)).toBeDefined();
  });

  it('are not renewed for who was asked to stop', () => {
    const leases = new Leases(settings);
    const asked = run({ cancelRequested: true });
    leases.restart(asked, 5_000);
    leases.renew(asked, 5_090);
    expect(leases.judge(asked, 5_100, 0)).toMatchObject({ silentMs: 100 });
  });

  it('do not bind runs that have ended or pause', () => {
    const leases = new Leases(settings);
    const phases = ['succeeded', 'failed', 'cancelled', 'paused'] as const;
    for (const phase of phases) {
      expect(leases.judge(run({ phase }), 99_999, 0)).toBeUndefined();
    }
  });
});

describe('pending runs', () => {
  it('wait for claimTimeoutMs', () => {
    const leases = new Leases(settings);
    leases.restart(pending, 5_000);
    expect(leases.judge(pending, 5_999, 0)).toBeUndefined();
    expect(leases.judge(pending, 6_000, 0)).toEqual({
      type: 'unclaimed',
      waitedMs: 1_000,
    });
  });

  it('wait from when they may be offered', () => {
    const leases = new Leases(settings);
    const later = { ...pending, notBeforeMs: 9_000 };
    expect(leases.judge(later, 8_999, 0)).toBeUndefined();
  });

  it('wait longer while any worker is busy', () => {
    const leases = new Leases(settings);
    leases.restart(pending, 5_000);
    leases.renew(run({}), 5_900);
    expect(leases.judge(pending, 6_800, 0)).toBeUndefined();
    expect(leases.judge(pending, 6_900, 0)).toMatchObject({ waitedMs: 1_000 });
  });
});
