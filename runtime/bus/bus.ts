/** What a service that only tells needs of the bus. */
export type Publisher = Pick<Bus, 'publish'>;

/**
 * The control plane: events, work and records; never a tensor.
 * Two implementations, one contract suite (test/contract/bus.contract.ts):
 * in-process (services of one process) and NATS JetStream.
 */
export interface Bus {
  readonly kind: 'in-process' | 'nats';

  /**
   * Whether the bus can be reached, and since when (milliseconds since the
   * Unix epoch). Silence on a bus that was away says nothing about the silent.
   */
  connection(): BusConnection;

  /**
   * Appends an event to the durable log. Resolves when it is stored; an error
   * leaves open whether it was. An event with a `messageId` seen within the
   * last two minutes is stored once, so that it can be sent again safely.
   * Subjects begin with `rrd.v1.`; an event has at most `maxMessageBytes`.
   */
  publish(
    subject: string,
    event: JsonObject,
    options?: { messageId?: string },
  ): Promise<void>;

  /**
   * Events whose subject matches (`*` one token, `>` the rest), in the order
   * they were stored: from the first stored one, from the one after a sequence
   * number, or from now, which is the moment of the call for all who publish
   * over this bus. The iterator ends when `signal` aborts or the bus closes.
   * A reader that falls behind the log's retention misses what was dropped.
   */
  subscribe(
    pattern: string,
    options: { from: StartAt; signal: AbortSignal },
  ): AsyncIterable<BusEvent>;

  /**
   * Adds to a work queue: each item is taken by one taker at a time. Throws
   * `BusFullError` where `maxQueuedItems` wait already.
   */
  offer(
    queue: string,
    work: JsonObject,
    options?: { messageId?: string },
  ): Promise<void>;

  /**
   * Takes the next item, waiting for one; undefined when `signal` aborts or
   * the bus closes. An item that is not extended or ended within its
   * `leaseMs` goes to another taker. After `maxDeliveries` it is dropped, and
   * `{ work, deliveries }` is published on `subjects.dropped(queue)`.
   */
  take(queue: string, signal: AbortSignal): Promise<WorkItem | undefined>;

  /** Records by key with revisions (optimistic locking). */
  records(bucket: string): Promise<Records>;

  /** Flushes and leaves. Idempotent. */
  close(): Promise<void>;
}

export type StartAt = 'start' | 'now' | { readonly after: number };

export interface BusConnection {
  readonly connected: boolean;
  readonly sinceMs: number;
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

/** Once its lease ran out, another taker may have the same item. */
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

/**
 * A write that ends with `ServiceUnavailableError` may have happened all the
 * same: read again before deciding.
 */
export interface Records {
  get(key: string): Promise<BusRecord | undefined>;
  /** The keys of all records, in no particular order. */
  keys(): Promise<string[]>;
  /** All records, in no particular order. */
  list(): Promise<BusRecord[]>;
  /** Throws `RecordConflictError` if the key exists. */
  create(key: string, value: JsonObject): Promise<number>;
  /** Throws `RecordConflictError` unless `revision` is the newest. */
  update(key: string, value: JsonObject, revision: number): Promise<number>;
  /** Throws `RecordConflictError` unless `revision` is the newest. */
  delete(key: string, revision: number): Promise<void>;
}

export interface BusRecord {
  readonly key: string;
  readonly value: JsonObject;
  readonly revision: number;
}

/** What a bus holds at most; beyond it the oldest events are dropped. */
export interface BusLimits {
  readonly maxEvents: number;
  readonly maxEventBytes: number;
  readonly maxQueuedItems: number;
}

export const defaultBusLimits: BusLimits = {
  maxEvents: 200_000,
  maxEventBytes: 256 * 2 ** 20,
  maxQueuedItems: 10_000,
};

/** One event, work item or record as JSON; NATS's default is 1 MiB. */
export const maxMessageBytes = 1_000_000;

export const dedupWindowMs = 120_000;

/** How a bus lends work. */
export interface WorkSettings {
  /** How long a taker may be silent about an item. */
  readonly leaseMs: number;
  readonly maxDeliveries: number;
}

export const defaultWorkSettings: WorkSettings = {
  leaseMs: 30_000,
  maxDeliveries: 5,
};

export interface BusOptions {
  readonly work?: Partial<WorkSettings>;
  readonly limits?: Partial<BusLimits>;
}
