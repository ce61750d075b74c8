import { isDeepStrictEqual } from 'node:util';
import { bytesPerValue, type StoredRows } from '#distill/precision.js';
import {
  BankBytesError,
  BankQueuesError,
  InvalidRequestError,
  QueueNotFoundError,
  StaleEpochError,
} from '#runtime/errors.js';
import { BankQueue, type QueueLimits } from './bank-queue.js';
import {
  adoptRows,
  type QueueRows,
  type StoredSnapshot,
} from './queue-rows.js';
import {
  requireSame,
  validateName,
  validateSpec,
  type QueueSpec,
} from './queue-spec.js';
import { requireFinite } from './submission.js';

export interface BankLimits extends QueueLimits {
  /** Bytes of all queues' rows and of snapshots being read. */
  readonly maxBytes: number;
  readonly maxQueues: number;
}

/** What a restored queue is, besides its rows. */
export interface Restoration {
  readonly spec: QueueSpec;
  readonly epoch: number;
  readonly version: number;
  readonly pointer: number;
  readonly nextStep: number;
}

/** Memory set aside; `release` may be called more than once. */
export interface Reservation {
  release(): void;
}

/** Named queues in a bounded amount of memory. No I/O, no clock. */
export class Bank {
  readonly #limits: BankLimits;
  readonly #queues = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: BankLimits) {
    this.#limits = limits;
  }

  /** Bytes of rows and snapshots now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All queues by name. */
  list(): BankQueue[] {
    return [...this.#queues.values()]
      .map(({ queue }) => queue)
      .sort((a, b) => (a.spec.queue < b.spec.queue ? -1 : 1));
  }

  /** @throws QueueNotFoundError */
  get(queue: string): BankQueue {
    validateName('queue', queue);
    const entry = this.#queues.get(queue);
    if (!entry) throw new QueueNotFoundError({ queue });
    return entry.queue;
  }

  /**
   * The present queue, if it is the same, or else the memory for a new one.
   * @throws InvalidRequestError, QueueConflictError, BankBytesError,
   *   BankQueuesError
   */
  prepareCreate(spec: QueueSpec, epoch: number): BankQueue | Reservation {
    validateSpec(spec);
    const present = this.#queues.get(spec.queue);
    if (present) {
      requireSame(present.queue, spec, epoch);
      return present.queue;
    }
    this.#requireRoomFor(spec);
    return this.reserveRows(spec);
  }

  /**
   * Puts a new queue in its place; another call may have been faster, then
   * its queue is the answer.
   * @param memory from `prepareCreate`; the queue's own from here on
   * @param rows version 0, as the spec wants it
   * @throws QueueConflictError, BankQueuesError
   */
  create(
    spec: QueueSpec,
    epoch: number,
    memory: Reservation,
    rows: QueueRows,
  ): { queue: BankQueue; made: boolean } {
    const present = this.#queues.get(spec.queue);
    if (present) {
      requireSame(present.queue, spec, epoch);
      memory.release();
      return { queue: present.queue, made: false };
    }
    this.#requireRoomFor(spec);
    const queue = new BankQueue(spec, epoch, rows, 0, this.#limits);
    this.#queues.set(spec.queue, { queue, memory });
    return { queue, made: true };
  }

  /**
   * Takes in a queue that was read from disk.
   * @param memory from `reserveRows`; the queue's own from here on
   * @throws BankQueuesError
   */
  adopt(queue: BankQueue, memory: Reservation): void {
    this.#requireRoomFor(queue.spec);
    this.#queues.set(queue.spec.queue, { queue, memory });
  }

  /**
   * What `restore` would refuse whatever the rows are, and the memory for them.
   * @throws InvalidRequestError, StaleEpochError, BankBytesError
   */
  prepareRestore(restoration: Restoration): Reservation {
    validateSpec(restoration.spec);
    const { pointer, spec } = restoration;
    if (pointer >= spec.capacity) {
      throw new InvalidRequestError({
        field: 'pointer',
        value: pointer,
        expected: `less than capacity ${spec.capacity}`,
      });
    }
    this.#requireNotOlder(restoration);
    this.#requireRoomFor(spec);
    return this.reserveRows(spec);
  }

  /**
   * Replaces the queue of that name. Doing the same again changes nothing, as
   * long as nothing was committed in between.
   * @param memory from `prepareRestore`; the queue's own from here on
   * @param rows [capacity, featDim] in slot order; the queue's own from
   *   here on
   * @throws StaleEpochError if the present queue's epoch is not lower
   */
  restore(
    restoration: Restoration,
    memory: Reservation,
    rows: StoredRows,
  ): BankQueue {
    const { spec, epoch, version, pointer, nextStep } = restoration;
    requireFinite(rows, spec);
    this.#requireNotOlder(restoration);
    const snapshot: StoredSnapshot = {
      rows,
      featDim: spec.featDim,
      pointer,
      version,
    };
    const present = this.#queues.get(spec.queue);
    if (present?.queue.epoch === epoch) {
      memory.release();
      const isSame =
        isDeepStrictEqual(present.queue.spec, spec) &&
        present.queue.equals(snapshot, nextStep);
      if (isSame) return present.queue;
      throw new StaleEpochError({ epoch, current: epoch });
    }
    const restored = adoptRows(spec, snapshot);
    const queue = new BankQueue(spec, epoch, restored, nextStep, this.#limits);
    this.#queues.set(spec.queue, { queue, memory });
    if (present) {
      present.memory.release();
      present.queue.end(
        new StaleEpochError({ epoch: present.queue.epoch, current: epoch }),
      );
    }
    return queue;
  }

  /**
   * Ends the queue's subscriptions and frees it; false if there is none.
   * @throws StaleEpochError if an epoch is given and the queue's is higher
   */
  delete(queue: string, epoch = Infinity): boolean {
    const entry = this.#queues.get(queue);
    if (!entry) return false;
    const current = entry.queue.epoch;
    if (epoch < current) throw new StaleEpochError({ epoch, current });
    this.#queues.delete(queue);
    entry.memory.release();
    entry.queue.end(new QueueNotFoundError({ queue }));
    return true;
  }

  /** Memory for so many rows. @throws BankBytesError */
  reserveRows({
    capacity,
    featDim,
    precision,
  }: Pick<QueueSpec, 'capacity' | 'featDim' | 'precision'>): Reservation {
    const bytes = capacity * featDim * bytesPerValue(precision);
    const left = this.#limits.maxBytes - this.#bytes;
    if (bytes > left) {
      throw new BankBytesError({ requestedBytes: bytes, limitBytes: left });
    }
    this.#bytes += bytes;
    let held = bytes;
    return {
      release: () => {
        this.#bytes -= held;
        held = 0;
      },
    };
  }

  #requireRoomFor({ queue }: QueueSpec): void {
    const { maxQueues } = this.#limits;
    if (this.#queues.has(queue) || this.#queues.size < maxQueues) return;
    throw new BankQueuesError({ limit: maxQueues });
  }

  #requireNotOlder({ spec, epoch }: Restoration): void {
    const current = this.#queues.get(spec.queue)?.queue.epoch;
    if (current !== undefined && epoch < current) {
      throw new StaleEpochError({ epoch, current });
    }
  }
}

interface Entry {
  readonly queue: BankQueue;
  readonly memory: Reservation;
}
