/**
 * The control plane: events, work and records; never a tensor.
 * Two implementations, one contract suite (test/contract/bus.contract.ts):
 * in-process (services of one process) and NATS JetStream.
 */
export interface Bus {
  readonly kind: 'in-process' | 'nats';

  /**
   * Appends an event to the durable log. Resolves when it is stored. An event
   * with a `messageId` seen within the last two minutes is stored once.
   */
  publish(
    subject: string,
    event: JsonObject,
    options?: { messageId?: string },
  ): Promise<void>;

  /**
   * Events whose subject matches (`*` one token, `>` the rest), in the order
   * they were stored, from the first stored one or from now. The iterator ends
   * when `signal` aborts or the bus closes.
   */
  subscribe(
    pattern: string,
    options: { from: 'start' | 'now'; signal: AbortSignal },
  ): AsyncIterable<BusEvent>;

  /** Adds to a work queue: each item is taken by one taker at a time. */
  offer(
    queue: string,
    work: JsonObject,
    options?: { messageId?: string },
  ): Promise<void>;

  /**
   * Takes the next item, waiting for one; undefined when `signal` aborts. An
   * item that is not extended or ended within its `leaseMs` goes to another
   * taker, at most `maxDeliveries` times.
   */
  take(queue: string, signal: AbortSignal): Promise<WorkItem | undefined>;

  /** Records by key with revisions (optimistic locking). */
  records(bucket: string): Promise<Records>;

  /** Flushes and leaves. Idempotent. */
  close(): Promise<void>;
}

export type JsonValue =
  string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export interface BusEvent {
  readonly subject: string;
  readonly data: JsonObject;
  /** Grows along the log; equal for all subscribers. */
  readonly sequence: number;
}

export interface WorkItem {
  readonly work: JsonObject;
  /** 1 at the first delivery. */
  readonly delivery: number;
  /** Keeps the item for another `leaseMs`. */
  extend(): Promise<void>;
  /** Done, never delivered again. */
  done(): Promise<void>;
  /** Back to the queue, for any taker. */
  release(): Promise<void>;
}

export interface Records {
  get(key: string): Promise<BusRecord | undefined>;
  /** All records, in no particular order. */
  list(): Promise<BusRecord[]>;
  /** Throws `RecordConflictError` if the key exists. */
  create(key: string, value: JsonObject): Promise<number>;
  /** Throws `RecordConflictError` unless `revision` is the newest. */
  update(key: string, value: JsonObject, revision: number): Promise<number>;
  delete(key: string): Promise<void>;
}

export interface BusRecord {
  readonly key: string;
  readonly value: JsonObject;
  readonly revision: number;
}
