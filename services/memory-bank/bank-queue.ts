import { storedRows, type StoredRows } from '#distill/precision.js';
import type { DomainError } from '#runtime/errors.js';
import type { Batch } from './feeder.js';
import { History, type Delta } from './history.js';
import {
  type MemberLimits,
  type MemberProgress,
  Members,
  type Membership,
} from './members.js';
import {
  commitRows,
  type QueueRows,
  type StoredSnapshot,
} from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';
import { type Submission, validateSubmission } from './submission.js';

/** The counters of a queue at one moment. */
export interface QueueState {
  readonly spec: QueueSpec;
  readonly epoch: number;
  readonly version: number;
  readonly pointer: number;
  /** Of the run that committed last. */
  readonly nextStep: number;
  readonly pendingBatches: number;
  readonly subscribers: number;
  /** The runs that have joined, where the queue is shared. */
  readonly members: readonly Membership[];
}

export interface QueueLimits extends MemberLimits {
  /** Bytes of commits kept for subscribers. */
  readonly historyBytes: number;
}

/** What a queue must know to go on, besides its rows and pending batches. */
export interface QueueProgress {
  readonly spec: QueueSpec;
  readonly epoch: number;
  readonly version: number;
  readonly pointer: number;
  /** The step that new runs start with. */
  readonly firstStep: number;
  readonly nextStep: number;
  readonly runs: Readonly<Record<string, MemberProgress>>;
}

/** A batch that was handed in: new or not, and what it completed. */
export interface Taken {
  readonly duplicate: boolean;
  readonly commits: readonly Delta[];
}

/** A subscriber, as its queue counts it. */
export interface Attached {
  /** Its reader has taken everything up to there. */
  reached(version: number): void;
  stop(): void;
}

/**
 * One named queue: its rows, the runs that feed it, and the commits that its
 * subscribers have yet to see. Every commit is one version.
 */
export class BankQueue {
  readonly spec: QueueSpec;
  readonly epoch: number;
  readonly #rows: QueueRows;
  readonly #firstStep: number;
  /** The runs that feed it; changes of a kept queue go through its journal. */
  readonly members: Members;
  #history: History;
  /** Each with the version that its reader has come to. */
  readonly #listeners = new Map<() => void, number>();
  #nextStep: number;
  #ended: DomainError | undefined;
  #lastSnapshot: WeakRef<StoredSnapshot> | undefined;

  /** @param firstStep the step that runs start with */
  constructor(
    spec: QueueSpec,
    epoch: number,
    rows: QueueRows,
    firstStep: number,
    limits: QueueLimits,
  ) {
    this.spec = spec;
    this.epoch = epoch;
    this.#rows = rows;
    this.#firstStep = firstStep;
    this.#nextStep = firstStep;
    this.members = new Members(spec, firstStep, limits);
    this.#history = new History(rows.version, limits.historyBytes);
  }

  /**
   * A queue that goes on where another one stood.
   * @param rows at the progress's version
   * @param recent the commits up to that version that readers may ask for
   */
  static resume(
    { spec, epoch, firstStep, nextStep, runs }: QueueProgress,
    rows: QueueRows,
    recent: readonly Delta[],
    limits: QueueLimits,
  ): BankQueue {
    const queue = new BankQueue(spec, epoch, rows, firstStep, limits);
    queue.#nextStep = nextStep;
    queue.#history = History.of(rows.version, recent, limits.historyBytes);
    queue.members.resume(runs);
    return queue;
  }

  /** Where the queue stands. */
  get progress(): QueueProgress {
    const { spec, epoch, version, pointer, nextStep } = this.state;
    return {
      ...{ spec, epoch, version, pointer, nextStep },
      firstStep: this.#firstStep,
      runs: this.members.progress,
    };
  }

  /** The live rows [capacity, featDim] in slot order: read only, not a copy. */
  get rows(): StoredRows {
    return this.#rows.rows;
  }

  /** Settled batches that wait for others. */
  get pending(): Batch[] {
    return this.members.pending;
  }

  /** The newest commits, at most `maxBytes` of rows. */
  recent(maxBytes: number): Delta[] {
    return this.#history.recent(maxBytes);
  }

  get state(): QueueState {
    return {
      spec: this.spec,
      epoch: this.epoch,
      version: this.#rows.version,
      pointer: this.#rows.pointer,
      nextStep: this.#nextStep,
      pendingBatches: this.members.pendingBatches,
      subscribers: this.#listeners.size,
      members: this.members.joined,
    };
  }

  /** Bytes of commits held for subscribers. */
  get historyBytes(): number {
    return this.#history.bytes;
  }

  /** A copy at the present version, shared by all who ask for that version. */
  snapshot(): StoredSnapshot {
    const last = this.#lastSnapshot?.deref();
    if (last?.version === this.#rows.version) return last;
    const snapshot = this.#rows.snapshot();
    this.#lastSnapshot = new WeakRef(snapshot);
    return snapshot;
  }

  /**
   * A copy of some rows, in the order asked for.
   * @param slots all less than the capacity
   */
  gather(slots: readonly number[]): StoredRows {
    const { featDim, precision } = this.spec;
    const gathered = storedRows(precision, slots.length * featDim);
    slots.forEach((slot, i) => {
      const row = this.rows.subarray(slot * featDim, (slot + 1) * featDim);
      gathered.set(row, i * featDim);
    });
    return gathered;
  }

  /** Whether this queue stands exactly where a restore would put it. */
  equals(snapshot: StoredSnapshot, nextStep: number): boolean {
    const { version, pointer, rows } = this.#rows;
    return (
      version === snapshot.version &&
      pointer === snapshot.pointer &&
      this.#nextStep === nextStep &&
      Buffer.from(rows.buffer).equals(Buffer.from(snapshot.rows.buffer))
    );
  }

  /** Takes one rank's rows: `accept`, then `settle` at once. */
  enqueue(batch: Submission): Taken {
    const duplicate = !this.accept(batch);
    return { duplicate, commits: duplicate ? [] : this.settle(batch) };
  }

  /**
   * Takes one rank's rows; false if the very same batch was taken before. It
   * must then be settled or withdrawn: whoever keeps batches does that in
   * between.
   * @throws what makes the batch not fit
   */
  accept(batch: Submission): boolean {
    const epoch = this.members.epochOf(batch.runId, this.epoch);
    validateSubmission(batch, { spec: this.spec, epoch });
    return this.members.add(batch);
  }

  /** Commits every step that is complete by an accepted batch. */
  settle(batch: Batch): Delta[] {
    const feeder = this.members.feederOf(batch.runId);
    feeder.settle(batch);
    const commits: Delta[] = [];
    for (
      let step = feeder.take(batch.runId);
      step !== undefined;
      step = feeder.take(batch.runId)
    ) {
      const { batches, ...ids } = step;
      const committed = commitRows(this.#rows, this.spec, batches);
      const delta = { ...ids, ...committed, version: this.#rows.version };
      this.#history.push(delta);
      commits.push(delta);
    }
    if (commits.length > 0) {
      this.#nextStep = feeder.nextStep;
      this.#notify();
    }
    return commits;
  }

  /** Forgets an accepted batch, so that it can be handed in again. */
  withdraw(batch: Batch): void {
    this.members.feederOf(batch.runId).withdraw(batch);
  }

  /**
   * The commit behind `version`; undefined if there is none yet.
   * @throws VersionEvictedError, InvalidRequestError, and what the queue was
   *   ended with
   */
  deltaAfter(version: number): Delta | undefined {
    if (this.#ended) throw this.#ended;
    return this.#history.after(version);
  }

  /** Counts a subscriber and wakes it on changes, until it is stopped. */
  attach(listener: () => void): Attached {
    const own = () => listener();
    this.#listeners.set(own, this.#rows.version);
    return {
      reached: (version) => void this.#listeners.set(own, version),
      stop: () => void this.#listeners.delete(own),
    };
  }

  /** Versions that the slowest subscriber has yet to read. */
  get readerLag(): number {
    const { version } = this.#rows;
    return Math.max(
      0,
      ...[...this.#listeners.values()].map((v) => version - v),
    );
  }

  /** Versions since the oldest row came, if all commits are like the newest. */
  get oldestRowVersions(): number {
    const { version, capacity } = this.#rows;
    const newest = this.#history.newest;
    const rows = newest ? newest.rows.length / this.spec.featDim : 0;
    return rows === 0 ? version : Math.min(version, Math.ceil(capacity / rows));
  }

  /** Ends all subscriptions with `reason`. */
  end(reason: DomainError): void {
    this.#ended = reason;
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.#listeners.keys()]) listener();
  }
}
