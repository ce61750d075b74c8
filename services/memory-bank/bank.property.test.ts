import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRows,
  encodeRows,
  precisions,
  roundRows,
  type StoredRows,
} from '#distill/precision.js';
import { FifoQueue } from '#distill/queue.js';
import { BatchConflictError, StaleEpochError } from '#runtime/errors.js';
import { Bank, type Reservation } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import { toConfig } from './config.js';
import { createRows } from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';

/** The bank as a plain array and a list of steps: slow, and easy to believe. */
class ModelQueue {
  readonly rows: number[];
  pointer: number;
  version: number;
  nextStep: number;
  readonly #pending = new Map<number, (number[] | undefined)[]>();

  constructor(
    readonly featDim: number,
    readonly worldSize: number,
    start: { rows: Float32Array; pointer: number; version: number },
    nextStep = 0,
  ) {
    this.rows = [...start.rows];
    this.pointer = start.pointer;
    this.version = start.version;
    this.nextStep = nextStep;
  }

  has(step: number, rank: number): boolean {
    return (
      step < this.nextStep || this.#pending.get(step)?.[rank] !== undefined
    );
  }

  get pendingBatches(): number {
    const steps = [...this.#pending.values()];
    return steps.flat().filter((rows) => rows !== undefined).length;
  }

  add(step: number, rank: number, rows: readonly number[]): void {
    const ranks = this.#pending.get(step) ?? [];
    ranks[rank] = [...rows];
    this.#pending.set(step, ranks);
    for (;;) {
      const next = this.#pending.get(this.nextStep) ?? [];
      const complete = Array.from(
        { length: this.worldSize },
        (_, i) => next[i],
      );
      if (complete.includes(undefined)) return;
      this.#pending.delete(this.nextStep++);
      this.version++;
      for (const value of complete.flat()) this.#append(value ?? 0);
    }
  }

  /** Values in a row: `pointer` counts rows, so it moves with the last one. */
  #append(value: number): void {
    this.rows[this.pointer * this.featDim + this.#column] = value;
    this.#column = (this.#column + 1) % this.featDim;
    const slots = this.rows.length / this.featDim;
    if (this.#column === 0) this.pointer = (this.pointer + 1) % slots;
  }
  #column = 0;
}

/** A subscriber: a queue of its own, fed by deltas only. */
class Mirror {
  readonly fifo: FifoQueue<StoredRows>;

  constructor(readonly source: BankQueue) {
    const { rows, ...place } = source.snapshot();
    this.fifo = FifoQueue.adopt<StoredRows>({ ...place, rows: rows.slice() });
  }

  /** Applies at most `count` deltas; false if there was none left. */
  follow(count: number): boolean {
    for (let i = 0; i < count; i++) {
      const delta = this.source.deltaAfter(this.fifo.version);
      if (delta === undefined) return false;
      const version = this.fifo.enqueue(delta.rows);
      if (version !== delta.version) throw new Error(`gap before ${version}`);
    }
    return true;
  }
}

const lookahead = 3;

const spec = fc.record({
  queue: fc.constant('q'),
  capacity: fc.integer({ min: 1, max: 9 }),
  featDim: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(5),
  init: fc.constantFrom('rows' as const, 'columns' as const),
  worldSize: fc.integer({ min: 1, max: 3 }),
  teacherDigest: fc.constant('t'),
  projectionSeed: fc.constant(0),
  precision: fc.constantFrom(...precisions),
});

const action = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('enqueue' as const),
      ahead: fc.nat(lookahead - 1),
      rank: fc.nat(2),
      rows: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('retry' as const, 'conflict' as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('subscribe' as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('follow' as const),
      which: fc.nat(),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('restore' as const) }),
  },
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  readonly step: number;
  readonly rank: number;
  /** Values, before they are rounded. */
  readonly rows: Float32Array;
}

/** Runs the same actions on the bank and on the model. */
class World {
  readonly bank = new Bank(toConfig({ maxPendingSteps: lookahead }));
  readonly mirrors: Mirror[] = [];
  readonly sent: Sent[] = [];
  queue: BankQueue;
  model: ModelQueue;
  #value = 0;

  constructor(readonly spec: QueueSpec) {
    const memory = this.bank.prepareCreate(spec, 1) as Reservation;
    const rows = createRows(spec);
    this.queue = this.bank.create(spec, 1, memory, rows).queue;
    const { featDim, worldSize } = spec;
    this.model = new ModelQueue(featDim, worldSize, this.#snapshot());
  }

  run(action: Action): void {
    switch (action.kind) {
      case 'enqueue':
        return this.#enqueue(action.ahead, action.rank, action.rows);
      case 'retry':
        return this.#again(action.which, (sent) => {
          const { duplicate } = this.#submit(sent);
          expect(duplicate).toBe(true);
        });
      case 'conflict':
        return this.#again(action.which, (sent) => {
          const rows = sent.rows.map((value) => 2 * value + 1);
          expect(() => this.#submit({ ...sent, rows })).toThrow(
            BatchConflictError,
          );
        });
      case 'subscribe':
        this.mirrors.push(new Mirror(this.queue));
        return;
      case 'follow':
        this.mirrors[action.which % this.mirrors.length]?.follow(action.count);
        return;
      case 'restore':
        return this.#restore();
    }
  }

  check(): void {
    const { rows, ...counters } = this.#snapshot();
    expect([...rows]).toEqual(this.model.rows);
    expect(counters).toEqual({
      featDim: this.spec.featDim,
      pointer: this.model.pointer,
      version: this.model.version,
    });
    const { nextStep, pendingBatches } = this.queue.state;
    expect([nextStep, pendingBatches]).toEqual([
      this.model.nextStep,
      this.model.pendingBatches,
    ]);
  }

  #enqueue(ahead: number, rankSeed: number, count: number): void {
    const step = this.model.nextStep + ahead;
    const rank = rankSeed % this.spec.worldSize;
    if (this.model.has(step, rank)) return;
    const rows = Float32Array.from(
      { length: count * this.spec.featDim },
      () => ++this.#value,
    );
    expect(this.#submit({ step, rank, rows }).duplicate).toBe(false);
    this.model.add(step, rank, [...roundRows(rows, this.spec.precision)]);
    this.sent.push({ step, rank, rows });
  }

  #again(which: number, act: (sent: Sent) => void): void {
    const sent = this.sent[which % this.sent.length];
    if (sent) act(sent);
  }

  /** Forks the queue from its present state, as a resumed run does. */
  #restore(): void {
    const before = this.queue;
    const { rows, pointer, version } = before.snapshot();
    const { nextStep } = before.state;
    const epoch = before.epoch + 1;
    const { spec } = this;
    const restoration = { spec, epoch, version, pointer, nextStep };
    const memory = this.bank.prepareRestore(restoration);
    this.queue = this.bank.restore(restoration, memory, rows);
    const { featDim, worldSize } = spec;
    const start = this.#snapshot();
    this.model = new ModelQueue(featDim, worldSize, start, nextStep);
    this.sent.length = 0;
    expect(() => before.deltaAfter(0)).toThrow(StaleEpochError);
    this.mirrors.length = 0;
  }

  /** Values, not bits. */
  #snapshot() {
    const { rows, ...place } = this.queue.snapshot();
    return { ...place, rows: decodeRows(rows, this.spec.precision) };
  }

  #submit(sent: Sent) {
    return this.queue.enqueue({
      ...sent,
      rows: encodeRows(sent.rows, this.spec.precision),
      runId: 'r',
      epoch: this.queue.epoch,
      teacherDigest: 't',
      featDim: this.spec.featDim,
      traceparent: '',
    });
  }
}

describe('the bank against a plain-array model', () => {
  it('agrees for any order of ranks, retries, conflicts and restores', () => {
    let commits = 0;
    fc.assert(
      fc.property(
        spec,
        fc.array(action, { minLength: 40, maxLength: 120 }),
        (chosen, actions) => {
          const world = new World(chosen);
          for (const next of actions) {
            world.run(next);
            world.check();
          }
          for (const mirror of world.mirrors) {
            while (mirror.follow(1));
            expect(mirror.fifo.snapshot()).toEqual(world.queue.snapshot());
          }
          commits += world.model.version;
        },
      ),
      { numRuns: 120, seed: 20260101 },
    );
    expect(commits).toBeGreaterThan(1_000); // the actions do reach commits
  });
});
