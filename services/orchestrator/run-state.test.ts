import { describe, expect, it } from 'vitest';
import type { RunProgress, RunResult } from '#runtime/bus/run-events.js';
import { runPhases, type RunPhase, type RunRecord } from './run-record.js';
import { runRecord } from './run-record.test-fixture.js';
import { speaksFor, transition, type StateEvent } from './run-state.js';

const policy = { maxAttempts: 3, unableTimeoutMs: 10_000 };
const nowMs = 2_000;

const progress: RunProgress = {
  step: 5,
  totalSteps: 10,
  epoch: 1,
  loss: 0.5,
  lossTerms: { ce: 0.5 },
  imagesPerSecond: 100,
  learningRate: 0.05,
};
const result: RunResult = {
  testAccuracy: 0.9,
  bestTestAccuracy: 0.91,
  imagesPerSecond: 100,
  steps: 10,
  teacherBytes: 1,
  bankBytes: 2,
  bankVersions: 10,
  engine: 'cpu',
  checkpoint: '/runs/r',
};
const failure = { reason: 'INTERNAL', message: 'no', metadata: {} };

/** A run in `phase`, in the hands of worker `w` at attempt 2, one retry gone. */
function run(phase: RunPhase, more: Partial<RunRecord> = {}): RunRecord {
  return runRecord({
    ...{ phase, attempt: 2, retries: 1, transitions: 5 },
    ...{ revision: 7, sequence: 40, ...more },
  });
}

const from = { attempt: 2, worker: 'w' };
const events = {
  claimed: { type: 'claimed', ...from },
  running: { type: 'running', ...from },
  progress: { type: 'progress', ...from, progress },
  evaluating: { type: 'evaluating', ...from },
  succeeded: { type: 'succeeded', ...from, result },
  failed: { type: 'failed', ...from, failure },
  cancelled: { type: 'cancelled', ...from },
  declined: { type: 'declined', ...from, failure },
  released: { type: 'released', ...from },
  'cancel-requested': { type: 'cancel-requested' },
  'pause-requested': { type: 'pause-requested' },
  'resume-requested': { type: 'resume-requested' },
  'worker-silent': { type: 'worker-silent', silentMs: 500 },
  unclaimed: { type: 'unclaimed', waitedMs: 600 },
  withdrawn: { type: 'withdrawn' },
  dropped: { type: 'dropped', attempt: 2 },
} satisfies { [T in StateEvent['type']]: StateEvent & { type: T } };

type EventType = keyof typeof events;

/**
 * What becomes of a run in hands: its next phase; `same` is the very same
 * record. `+stop` where workers are told to stop.
 */
type Expected = RunPhase | 'same' | `${RunPhase | 'same'}+stop`;

const inHands = {
  claimed: 'same',
  running: 'running',
  progress: 'running',
  evaluating: 'evaluating',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  declined: 'same',
  released: 'resuming',
  'resume-requested': 'same',
  'worker-silent': 'resuming+stop',
  unclaimed: 'same',
  withdrawn: 'same',
  dropped: 'same',
} as const;

const ended: Record<EventType, Expected> = {
  // Who begins or goes on with a run that has ended is told to stop.
  claimed: 'same+stop',
  running: 'same+stop',
  progress: 'same+stop',
  evaluating: 'same+stop',
  succeeded: 'same',
  failed: 'same',
  cancelled: 'same',
  declined: 'same',
  released: 'same',
  'cancel-requested': 'same',
  'pause-requested': 'same',
  'resume-requested': 'same',
  'worker-silent': 'same',
  unclaimed: 'same',
  withdrawn: 'same',
  dropped: 'same',
};

const waiting: Record<
  Exclude<EventType, 'declined' | 'withdrawn'>,
  Expected
> = {
  // A first event that got lost does not matter: the next one claims, too.
  claimed: 'preparing',
  running: 'running',
  progress: 'running',
  evaluating: 'evaluating',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  released: 'resuming',
  'cancel-requested': 'cancelled+stop',
  'pause-requested': 'paused+stop',
  'resume-requested': 'same',
  'worker-silent': 'same',
  unclaimed: 'failed+stop',
  dropped: 'failed+stop',
};

const outcomes: Record<RunPhase, Record<EventType, Expected>> = {
  // Offered under another attempt, which costs nothing.
  pending: { ...waiting, declined: 'pending', withdrawn: 'pending' },
  resuming: { ...waiting, declined: 'resuming', withdrawn: 'resuming' },
  preparing: {
    ...inHands,
    'cancel-requested': 'preparing+stop',
    'pause-requested': 'preparing+stop',
  },
  running: {
    ...inHands,
    running: 'same',
    'cancel-requested': 'running+stop',
    'pause-requested': 'running+stop',
  },
  evaluating: {
    ...inHands,
    progress: 'evaluating',
    evaluating: 'same',
    'cancel-requested': 'evaluating+stop',
    'pause-requested': 'evaluating+stop',
  },
  paused: {
    ...ended,
    'cancel-requested': 'cancelled',
    'resume-requested': 'resuming',
  },
  succeeded: ended,
  failed: { ...ended, 'resume-requested': 'resuming' },
  cancelled: ended,
};

const pairs = runPhases.flatMap((phase) =>
  (Object.keys(events) as EventType[]).map(
    (type) => [phase, type, outcomes[phase][type]] as const,
  ),
);

describe('every event in every phase', () => {
  it.each(pairs)('%s, %s: %s', (phase, type, expected) => {
    const before = run(phase);
    const { record, stops } = transition(before, events[type], nowMs, policy);
    const [next, stop] = expected.split('+');
    if (next === 'same') expect(record).toBe(before);
    else expect(record).toMatchObject({ phase: next, updatedMs: nowMs });
    expect(stops).toHaveLength(stop ? 1 : 0);
  });

  it('leaves identity, experiment and creation alone', () => {
    for (const [phase, type] of pairs) {
      const { record } = transition(run(phase), events[type], nowMs, policy);
      const { runId, experiment, createdMs, revision, sequence } = record;
      expect({ runId, experiment, createdMs, revision, sequence }).toEqual({
        runId: 'r',
        experiment: { name: 'e' },
        createdMs: 1_000,
        revision: 7,
        sequence: 40,
      });
    }
  });
});

const after = (record: RunRecord, event: StateEvent) =>
  transition(record, event, nowMs, policy);

describe('what events bring', () => {
  it('the first word of a worker makes it the owner', () => {
    for (const type of ['claimed', 'running', 'progress'] as const) {
      expect(after(run('pending'), events[type]).record.worker).toBe('w');
    }
  });

  it('progress, result and failure are kept', () => {
    const running = after(run('preparing'), events.progress).record;
    expect(running.progress).toEqual(progress);
    expect(after(running, events.succeeded).record.result).toEqual(result);
    expect(after(running, events.failed).record.failure).toEqual(failure);
  });

  it('a lost worker leaves the run to the next attempt', () => {
    const { record, stops } = after(
      run('running', { progress }),
      events['worker-silent'],
    );
    expect(record).toMatchObject({
      ...{ phase: 'resuming', attempt: 3, worker: '', retries: 2 },
      notBeforeMs: nowMs + 1_000,
    });
    expect(record.progress).toEqual(progress);
    expect(stops).toEqual([{ attempt: 2, reason: 'lease-lost' }]);
  });

  it('a worker lost with the budget spent fails the run', () => {
    const last = run('evaluating', { attempt: 3, retries: 2 });
    const { record, stops } = after(last, events['worker-silent']);
    expect(record).toMatchObject({
      phase: 'failed',
      failure: {
        reason: 'WORKER_LOST',
        metadata: { worker: 'w', silentMs: '500' },
      },
    });
    expect(stops).toEqual([{ attempt: 3, reason: 'lease-lost' }]);
  });

  it('a run that nobody took fails with how long it waited', () => {
    const unclaimed = after(run('pending'), events.unclaimed).record;
    expect(unclaimed.failure).toMatchObject({
      reason: 'NO_WORKER',
      metadata: { runId: 'r', waitedMs: '600' },
    });
    const dropped = after(run('pending'), events.dropped).record;
    expect(dropped.failure?.metadata).toMatchObject({ waitedMs: '1000' });
  });

  it('an attempt dropped long ago is nothing to the next', () => {
    const pending = run('pending', { attempt: 3 });
    expect(after(pending, events.dropped).record).toBe(pending);
  });
});

describe('cancelling', () => {
  it('a run in hands waits for its worker, and asks again if asked', () => {
    const first = after(run('running'), events['cancel-requested']);
    expect(first.record).toMatchObject({
      phase: 'running',
      cancelRequested: true,
    });
    expect(first.stops).toEqual([{ attempt: 2, reason: 'cancelled' }]);
    const again = after(first.record, events['cancel-requested']);
    expect(again.record).toBe(first.record);
    expect(again.stops).toEqual(first.stops);
  });

  it('a worker that falls silent instead ends it as cancelled', () => {
    const asked = run('running', { cancelRequested: true });
    const { record } = after(asked, events['worker-silent']);
    expect(record).toMatchObject({ phase: 'cancelled', attempt: 2 });
  });

  it('a run that ends before it hears of it stays as it ended', () => {
    const asked = run('evaluating', { cancelRequested: true });
    expect(after(asked, events.succeeded).record.phase).toBe('succeeded');
  });

  it('a worker that comes too late is told why', () => {
    const { stops } = after(run('cancelled'), events.claimed);
    expect(stops).toEqual([{ ...from, reason: 'cancelled' }]);
  });
});

describe('failures', () => {
  const failed = (reason: string, retries = 0) =>
    transition(
      run('running', { retries }),
      { type: 'failed', ...from, failure: { ...failure, reason } },
      nowMs,
      policy,
    ).record;

  it.each(['SERVICE_UNAVAILABLE', 'BANK_BACKLOG', 'THREAD_LOST'])(
    '%s passes: the run goes on elsewhere, while its budget lasts',
    (reason) => {
      expect(failed(reason)).toMatchObject({
        ...{ phase: 'resuming', retries: 1, notBeforeMs: nowMs },
        failure: { reason },
      });
      expect(failed(reason, 2)).toMatchObject({
        ...{ phase: 'failed', attempt: 2, failure: { reason } },
      });
    },
  );

  it.each(['NON_FINITE_LOSS', 'CONFIG_INVALID', 'DEVICE_MEMORY', 'WHO_KNOWS'])(
    '%s would come again: the run fails',
    (reason) => expect(failed(reason).phase).toBe('failed'),
  );
});

describe('pausing', () => {
  const afterAll = (record: RunRecord, ...types: EventType[]) =>
    types.reduce((before, type) => after(before, events[type]).record, record);

  it('waits for the worker to let go, then for the user', () => {
    const asked = afterAll(run('running'), 'pause-requested');
    expect(asked).toMatchObject({ phase: 'running', pauseRequested: true });
    const paused = afterAll(asked, 'released');
    expect(paused).toMatchObject({
      ...{ phase: 'paused', worker: '', pauseRequested: false, retries: 1 },
    });
    expect(afterAll(paused, 'resume-requested')).toMatchObject({
      ...{ phase: 'resuming', attempt: 3, retries: 0 },
    });
  });

  it.each(['worker-silent', 'released'] as const)(
    'ends with %s, at no cost to the budget',
    (type) => {
      const asked = run('running', { pauseRequested: true });
      expect(afterAll(asked, type)).toMatchObject({
        phase: 'paused',
        retries: 1,
      });
    },
  );

  it('taken back, lets the next worker have the run', () => {
    const asked = run('running', { pauseRequested: true });
    const back = afterAll(asked, 'resume-requested');
    expect(back.pauseRequested).toBe(false);
    expect(afterAll(back, 'released').phase).toBe('resuming');
  });

  it('gives way to cancelling', () => {
    const both = afterAll(
      run('running'),
      'pause-requested',
      'cancel-requested',
    );
    expect(afterAll(both, 'released').phase).toBe('cancelled');
    expect(afterAll(both, 'pause-requested')).toBe(both);
  });
});

describe('transitions', () => {
  it('are counted where phase or owner change, and nowhere else', () => {
    for (const [phase, type] of pairs) {
      const before = run(phase);
      const { record } = transition(before, events[type], nowMs, policy);
      const moved = record.phase !== phase || record.attempt !== before.attempt;
      expect(record.transitions).toBe(moved ? 6 : 5);
    }
  });
});

describe('strangers', () => {
  const strangers = [
    { attempt: 1, worker: 'w' },
    { attempt: 3, worker: 'w' },
    { attempt: 2, worker: 'other' },
  ];

  it.each(strangers)('%j changes nothing and is told to stop', (stranger) => {
    for (const phase of ['preparing', 'running', 'evaluating'] as const) {
      const before = run(phase);
      for (const type of ['claimed', 'running', 'progress'] as const) {
        const event = { ...events[type], ...stranger };
        const { record, stops } = transition(before, event, nowMs, policy);
        expect(record).toBe(before);
        expect(stops).toEqual([{ ...stranger, reason: 'lease-lost' }]);
        expect(speaksFor(event, before)).toBe(false);
      }
      for (const type of ['succeeded', 'failed', 'cancelled'] as const) {
        const event = { ...events[type], ...stranger };
        const { record, stops } = transition(before, event, nowMs, policy);
        expect(record).toBe(before);
        expect(stops).toEqual([]);
      }
    }
  });

  it('the owner of an earlier attempt cannot claim the next', () => {
    const pending = run('pending', { attempt: 3 });
    const { record, stops } = transition(
      pending,
      events.succeeded,
      nowMs,
      policy,
    );
    expect(record).toBe(pending);
    expect(stops).toEqual([]);
  });
});
