import { describe, expect, it } from 'vitest';
import { SampleMemory } from '#distill/sample-memory.js';
import {
  BatchConflictError,
  BatchShapeError,
  InvalidRequestError,
} from '#runtime/errors.js';
import { Bank, type Reservation } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import { toConfig } from './config.js';
import { createRows } from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';
import type { Submission } from './submission.js';

const spec: QueueSpec = {
  queue: 'memory',
  capacity: 5,
  featDim: 2,
  seed: 3,
  init: 'uniform',
  worldSize: 2,
  teacherDigest: 'teacher',
  projectionSeed: 0,
  precision: 'float32',
  momentum: 0.5,
};

function open(over: Partial<QueueSpec> = {}): BankQueue {
  const bank = new Bank(toConfig({}));
  const all = { ...spec, ...over };
  const memory = bank.prepareCreate(all, 1) as Reservation;
  return bank.create(all, 1, memory, createRows(all)).queue;
}

function batch(rank: number, slots: number[], values: number[]): Submission {
  const ids = { runId: 'run', step: 0, rank, epoch: 1, traceparent: '' };
  const rows = Float32Array.from(values);
  return { ...ids, teacherDigest: 'teacher', featDim: 2, rows, slots };
}

function failureOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a memory of all samples in the bank', () => {
  it('moves the rows of all ranks as one version, and says which', () => {
    const queue = open();
    const before = queue.snapshot();
    const rows = before.rows.slice() as Float32Array;
    const own = SampleMemory.adopt({ ...before, rows });
    const first = batch(1, [0], [0, 1]);
    const second = batch(0, [4, 2], [1, 0, 0.6, 0.8]);
    expect(queue.enqueue(first).commits).toEqual([]);
    const [delta] = queue.enqueue(second).commits;
    const all = Float32Array.of(1, 0, 0.6, 0.8, 0, 1);
    const moved = own.move([4, 2, 0], all, 0.5);
    expect(delta).toMatchObject({ version: 1, slots: [4, 2, 0], rows: moved });
    expect(queue.rows).toEqual(own.rows);
    expect(queue.state).toMatchObject({ version: 1, pointer: 0, nextStep: 1 });
    expect([...queue.gather([2, 2, 4])]).toEqual(
      [2, 2, 4].flatMap((slot) => [...own.rows.slice(slot * 2, slot * 2 + 2)]),
    );
  });

  it('knows a batch again by its rows and slots', () => {
    const queue = open();
    queue.enqueue(batch(0, [1], [1, 0]));
    expect(queue.enqueue(batch(0, [1], [1, 0])).duplicate).toBe(true);
    expect(() => queue.enqueue(batch(0, [2], [1, 0]))).toThrow(
      BatchConflictError,
    );
  });

  it.each([
    ['no slots', [], [1, 0], BatchShapeError, 'slots'],
    ['too few', [1], [1, 0, 0, 1], BatchShapeError, 'slots'],
    ['one that is not there', [5], [1, 0], InvalidRequestError, 'slots'],
    ['one twice', [1, 1], [1, 0, 0, 1], InvalidRequestError, 'slots'],
  ])('refuses %s', (_, slots, values, error, field) => {
    const queue = open();
    const thrown = failureOf(() => queue.enqueue(batch(0, slots, values)));
    expect(thrown).toBeInstanceOf(error);
    expect(thrown).toMatchObject({ metadata: { field } });
    expect(queue.state).toMatchObject({ version: 0, pendingBatches: 0 });
  });

  it.each([
    [{ momentum: 1 }, 'momentum'],
    [{ momentum: Number.NaN }, 'momentum'],
    [{ init: 'rows' }, 'init'],
  ] as const)('refuses a spec with %j', (over, field) => {
    expect(failureOf(() => open(over))).toMatchObject({ metadata: { field } });
  });

  it('has slots only if it is one', () => {
    const { momentum, ...rest } = spec;
    expect(momentum).toBeDefined();
    const fifo = { ...rest, init: 'rows' as const };
    const bank = new Bank(toConfig({}));
    const memory = bank.prepareCreate(fifo, 1) as Reservation;
    const { queue } = bank.create(fifo, 1, memory, createRows(fifo));
    expect(() => queue.enqueue(batch(0, [1], [1, 0]))).toThrow(
      InvalidRequestError,
    );
  });
});
