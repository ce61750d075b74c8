import { describe, expect, it } from 'vitest';
import {
  BankBacklogError,
  BankBytesError,
  BankQueuesError,
  BatchConflictError,
  EmbeddingDimError,
  InvalidRequestError,
  QueueConflictError,
  QueueNotFoundError,
  StaleEpochError,
  TeacherMismatchError,
  VersionEvictedError,
} from '#runtime/errors.js';
import { Bank, type Reservation } from './bank.js';
import { BankQueue } from './bank-queue.js';
import { toConfig } from './config.js';
import { createRows } from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';
import type { Submission } from './submission.js';

const spec: QueueSpec = {
  queue: 'q',
  capacity: 4,
  featDim: 2,
  seed: 1,
  init: 'rows',
  worldSize: 1,
  teacherDigest: 'teacher',
  projectionSeed: 0,
  precision: 'float32',
};

function batch(over: Partial<Submission> = {}): Submission {
  return {
    runId: 'run',
    step: 0,
    rank: 0,
    epoch: 1,
    teacherDigest: 'teacher',
    featDim: 2,
    rows: Float32Array.of(1, 2),
    traceparent: '',
    ...over,
  };
}

function open(over: Partial<QueueSpec> = {}, settings = {}) {
  const bank = new Bank(toConfig(settings));
  const queue = create(bank, { ...spec, ...over });
  return { bank, queue };
}

/** Both steps at once. */
function create(bank: Bank, of: QueueSpec, epoch = 1): BankQueue {
  const prepared = bank.prepareCreate(of, epoch);
  if (prepared instanceof BankQueue) return prepared;
  return bank.create(of, epoch, prepared, createRows(of)).queue;
}

describe('commits', () => {
  it('append in step order and rank order, one version each', () => {
    const { queue } = open({ worldSize: 2 });
    const rows = (value: number) => Float32Array.of(value, value);
    const commitsOf = (step: number, rank: number) =>
      queue
        .enqueue(batch({ step, rank, rows: rows(10 * step + rank) }))
        .commits.map((delta) => [delta.version, ...delta.rows]);
    expect(commitsOf(1, 1)).toEqual([]);
    expect(commitsOf(0, 1)).toEqual([]);
    expect(commitsOf(1, 0)).toEqual([]);
    expect(commitsOf(0, 0)).toEqual([
      [1, 0, 0, 1, 1],
      [2, 10, 10, 11, 11],
    ]);
    expect([...queue.snapshot().rows]).toEqual([0, 0, 1, 1, 10, 10, 11, 11]);
    expect(queue.state).toMatchObject({ version: 2, pointer: 0, nextStep: 2 });
  });

  it('carry the trace context of the batch that completed the step', () => {
    const { queue } = open({ worldSize: 2 });
    queue.enqueue(batch({ step: 1, rank: 0, traceparent: 'c' }));
    queue.enqueue(batch({ step: 1, rank: 1, traceparent: 'd' }));
    queue.enqueue(batch({ step: 0, rank: 1, traceparent: 'a' }));
    const last = batch({ step: 0, rank: 0, traceparent: 'b' });
    const { commits } = queue.enqueue(last);
    expect(commits.map((delta) => delta.traceparent)).toEqual(['b', 'd']);
  });

  it('keep the steps of two runs apart, in one order of versions', () => {
    const { queue } = open();
    queue.enqueue(batch({ runId: 'a' }));
    const { commits } = queue.enqueue(batch({ runId: 'b' }));
    expect(commits).toMatchObject([{ runId: 'b', step: 0, version: 2 }]);
  });
});

describe('a batch that is sent again', () => {
  it('is acknowledged for as long as it is remembered, then refused', () => {
    const { queue } = open({}, { maxPendingSteps: 2, rememberedSteps: 2 });
    for (const step of [0, 1, 2]) queue.enqueue(batch({ step }));
    expect(queue.enqueue(batch({ step: 1 })).duplicate).toBe(true);
    expect(queue.enqueue(batch({ step: 2 })).duplicate).toBe(true);
    expect(() => queue.enqueue(batch({ step: 0 }))).toThrow(
      InvalidRequestError,
    );
    expect(queue.state.version).toBe(3);
  });

  it('with other rows is refused, pending or committed', () => {
    const { queue } = open();
    const rows = Float32Array.of(1, 3);
    for (const step of [0, 2]) {
      queue.enqueue(batch({ step }));
      expect(() => queue.enqueue(batch({ step, rows }))).toThrow(
        BatchConflictError,
      );
    }
  });
});

describe('limits', () => {
  it('bound the steps and the bytes that wait, but never the next step', () => {
    const { queue } = open({}, { maxPendingSteps: 3, maxPendingBytes: 8 });
    expect(() => queue.enqueue(batch({ step: 3 }))).toThrow(BankBacklogError);
    queue.enqueue(batch({ step: 1 }));
    expect(() => queue.enqueue(batch({ step: 2 }))).toThrow(BankBacklogError);
    expect(queue.enqueue(batch({ step: 0 })).commits).toHaveLength(2);
    expect(queue.enqueue(batch({ step: 2 })).commits).toHaveLength(1);
  });

  it('bound the bytes of all queues before anything is allocated', () => {
    const { bank } = open({}, { maxBytes: 64 });
    const huge = { ...spec, queue: 'huge', capacity: 2 ** 40 };
    expect(() => create(bank, huge)).toThrow(BankBytesError);
    create(bank, { ...spec, queue: 'r' });
    expect(() => create(bank, { ...spec, queue: 's' })).toThrow(BankBytesError);
    bank.delete('r');
    expect(bank.bytes).toBe(32);
    expect(create(bank, { ...spec, queue: 's' }).state.version).toBe(0);
  });

  it('bound the queues and the runs of a queue', () => {
    const { bank, queue } = open({}, { maxQueues: 1, maxRuns: 1 });
    expect(() => create(bank, { ...spec, queue: 'r' })).toThrow(
      BankQueuesError,
    );
    queue.enqueue(batch());
    expect(() => queue.enqueue(batch({ runId: 'other' }))).toThrow(
      InvalidRequestError,
    );
  });

  it('count no run whose batches were all refused', () => {
    const { queue } = open({}, { maxRuns: 1 });
    const late = batch({ runId: 'late', step: 1_000 });
    expect(() => queue.enqueue(late)).toThrow(BankBacklogError);
    expect(queue.enqueue(batch({ runId: 'run' })).commits).toHaveLength(1);
  });

  it('bound a step, so that its delta fits a message', () => {
    const { queue } = open({ worldSize: 1024 });
    const rows = new Float32Array(8192);
    queue.enqueue(batch({ rows }));
    const more = batch({ rank: 1, rows: new Float32Array(8194) });
    expect(() => queue.enqueue(more)).toThrow(InvalidRequestError);
  });

  it('bound the history, which keeps the newest commit whatever its size', () => {
    const { queue } = open({}, { historyBytes: 16 });
    for (const step of [0, 1, 2]) queue.enqueue(batch({ step }));
    expect(queue.historyBytes).toBe(16);
    expect(() => queue.deltaAfter(0)).toThrow(VersionEvictedError);
    expect(queue.deltaAfter(1)?.version).toBe(2);
    queue.enqueue(batch({ step: 3, rows: new Float32Array(64) }));
    expect(() => queue.deltaAfter(2)).toThrow(VersionEvictedError);
    expect(queue.deltaAfter(3)?.version).toBe(4);
    expect(queue.deltaAfter(4)).toBeUndefined();
    expect(() => queue.deltaAfter(5)).toThrow(InvalidRequestError);
  });
});

describe('what does not belong to the queue', () => {
  it.each([
    ['an older epoch', { epoch: 0 }, StaleEpochError],
    ['a newer epoch', { epoch: 2 }, StaleEpochError],
    ['another teacher', { teacherDigest: 'x' }, TeacherMismatchError],
    ['another width', { featDim: 1 }, EmbeddingDimError],
    ['a rank too many', { rank: 1 }, InvalidRequestError],
    ['NaN', { rows: Float32Array.of(1, NaN) }, InvalidRequestError],
    ['infinity', { rows: Float32Array.of(-Infinity, 1) }, InvalidRequestError],
  ])('%s is refused and changes nothing', (_, over, error) => {
    const { queue } = open();
    expect(() => queue.enqueue(batch(over))).toThrow(error);
    expect(queue.state).toMatchObject({ version: 0, pendingBatches: 0 });
  });
});

describe('create', () => {
  it('answers the same request with the same queue', () => {
    const { bank, queue } = open();
    expect(create(bank, { ...spec })).toBe(queue);
  });

  it('answers two that were prepared together with one queue', () => {
    const bank = new Bank(toConfig({ maxBytes: 64 }));
    const [first, second] = [1, 2].map(() => bank.prepareCreate(spec, 1));
    const finish = (memory: typeof first) =>
      bank.create(spec, 1, memory as Reservation, createRows(spec));
    const { queue, made } = finish(second);
    expect(made).toBe(true);
    expect(finish(first)).toEqual({ queue, made: false });
    expect(bank.bytes).toBe(32);
  });

  it.each([
    ['capacity', 5, 1],
    ['seed', 9, 1],
    ['teacherDigest', 'x', 1],
    ['epoch', undefined, 2],
  ])('refuses another %s under the same name', (field, value, epoch) => {
    const { bank } = open();
    const other = value === undefined ? spec : { ...spec, [field]: value };
    expect(() => create(bank, other, epoch)).toThrow(QueueConflictError);
  });

  it.each([
    ['capacity', 0],
    ['featDim', 0],
    ['featDim', 65_537],
    ['worldSize', 0],
    ['worldSize', 1025],
    ['seed', 2 ** 60],
    ['queue', ''],
    ['queue', 'x'.repeat(257)],
    ['teacherDigest', ''],
  ])('refuses %s %s', (field, value) => {
    const bank = new Bank(toConfig());
    expect(() => create(bank, { ...spec, [field]: value })).toThrow(
      InvalidRequestError,
    );
  });
});

describe('restore and delete', () => {
  const restoration = { spec, epoch: 2, version: 7, pointer: 3, nextStep: 5 };
  const rows = Float32Array.from({ length: 8 }, (_, i) => i);

  it('go on exactly where the rows were taken', () => {
    const { bank, queue: before } = open();
    const memory = bank.prepareRestore(restoration);
    const queue = bank.restore(restoration, memory, rows);
    expect(bank.bytes).toBe(32);
    expect(queue.state).toMatchObject({ version: 7, pointer: 3, nextStep: 5 });
    queue.enqueue(
      batch({ epoch: 2, step: 5, rows: Float32Array.of(8, 8, 9, 9) }),
    );
    expect([...queue.snapshot().rows]).toEqual([9, 9, 2, 3, 4, 5, 8, 8]);
    expect(queue.state.version).toBe(8);
    expect(() => before.deltaAfter(0)).toThrow(StaleEpochError);
  });

  it('acknowledge the same content again, and nothing else', () => {
    const { bank } = open();
    const again = () =>
      bank.restore(restoration, bank.prepareRestore(restoration), rows);
    const queue = again();
    expect(again()).toBe(queue);
    expect(bank.bytes).toBe(32);
    const other = { ...restoration, spec: { ...spec, teacherDigest: 'x' } };
    expect(() => bank.restore(other, bank.prepareRestore(other), rows)).toThrow(
      StaleEpochError,
    );
    queue.enqueue(batch({ epoch: 2, step: 5 }));
    expect(again).toThrow(StaleEpochError);
    const older = { ...restoration, epoch: 1 };
    expect(() => bank.prepareRestore(older)).toThrow(StaleEpochError);
  });

  it('refuse rows that are not finite and pointers outside', () => {
    const { bank } = open();
    const memory = bank.prepareRestore(restoration);
    const bad = rows.map(() => NaN);
    expect(() => bank.restore(restoration, memory, bad)).toThrow(
      InvalidRequestError,
    );
    expect(() => bank.prepareRestore({ ...restoration, pointer: 4 })).toThrow(
      InvalidRequestError,
    );
  });

  it('end the subscriptions of a deleted queue', () => {
    const { bank, queue } = open();
    let woken = 0;
    queue.attach(() => woken++);
    expect(bank.delete('q')).toBe(true);
    expect(woken).toBe(1);
    expect(() => queue.deltaAfter(0)).toThrow(QueueNotFoundError);
    expect(() => bank.get('q')).toThrow(QueueNotFoundError);
    expect(bank.delete('q')).toBe(false);
  });

  it('are not freed by a superseded writer', () => {
    const { bank } = open();
    create(bank, { ...spec, queue: 'r' }, 2);
    expect(() => bank.delete('r', 1)).toThrow(StaleEpochError);
    expect(bank.delete('r', 2)).toBe(true);
  });
});
