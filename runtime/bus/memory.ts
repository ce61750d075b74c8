import { DrainingError } from '../errors.js';
import {
  dedupWindowMs,
  defaultBusLimits,
  defaultWorkSettings,
  type Bus,
  type BusConnection,
  type BusEvent,
  type BusLimits,
  type BusOptions,
  type JsonObject,
  type Records,
  type StartAt,
  type WorkItem,
  type WorkSettings,
} from './bus.js';
import { DedupWindow } from './dedup-window.js';
import { MemoryLog } from './memory-log.js';
import { MemoryQueue } from './memory-queue.js';
import { MemoryRecords, type RecordsKeeper } from './memory-records.js';
import { encode } from './message.js';
import type { RecordsFolder } from './records-folder.js';
import {
  checkPattern,
  checkSubject,
  checkToken,
  leaderBucket,
  subjects,
} from './subjects.js';

export interface MemoryBusOptions extends BusOptions {
  /** Where records are kept; they end with the process without. */
  readonly folder?: RecordsFolder | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

/**
 * The lease of a process that is gone binds nobody: whoever opens a folder is
 * alone on the bus.
 */
const passingBuckets: ReadonlySet<string> = new Set([leaderBucket]);

/**
 * The bus of services that live in one process. It means what NATS means,
 * except that it ends with the process; with a folder, its records do not, and
 * its numbers go on above those of before.
 */
export class MemoryBus implements Bus {
  readonly kind = 'in-process';
  readonly #work: WorkSettings;
  readonly #limits: BusLimits;
  readonly #now: () => number;
  readonly #log: MemoryLog;
  readonly #folder: RecordsFolder | undefined;
  readonly #connection: BusConnection;
  readonly #closing = new AbortController();
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #buckets = new Map<string, MemoryRecords>();
  readonly #publishedIds = new DedupWindow(dedupWindowMs);
  readonly #offeredIds = new DedupWindow(dedupWindowMs);

  constructor(options: MemoryBusOptions = {}) {
    this.#work = { ...defaultWorkSettings, ...options.work };
    this.#limits = { ...defaultBusLimits, ...options.limits };
    this.#now = options.now ?? Date.now;
    this.#folder = options.folder;
    this.#log = new MemoryLog(this.#limits, this.#folder?.firstNumber);
    this.#connection = { connected: true, sinceMs: this.#now() };
  }

  connection(): BusConnection {
    return { ...this.#connection, connected: !this.#closing.signal.aborted };
  }

  publish(
    subject: string,
    event: JsonObject,
    options: { messageId?: string } = {},
  ): Promise<void> {
    return this.#attempt(() => {
      checkSubject(subject);
      const bytes = encode('event', event);
      if (this.#publishedIds.admit(options.messageId, this.#now())) {
        this.#log.append(subject, bytes);
      }
    });
  }

  subscribe(
    pattern: string,
    options: { from: StartAt; signal: AbortSignal },
  ): AsyncIterable<BusEvent> {
    checkPattern(pattern);
    const signal = this.#untilClosed(options.signal);
    return this.#log.read(pattern, options.from, signal);
  }

  offer(
    queue: string,
    work: JsonObject,
    options: { messageId?: string } = {},
  ): Promise<void> {
    return this.#attempt(() => {
      const bytes = encode('work', work);
      const target = this.#queue(queue);
      target.checkRoom();
      if (this.#offeredIds.admit(options.messageId, this.#now())) {
        target.offer(bytes);
      }
    });
  }

  async take(
    queue: string,
    signal: AbortSignal,
  ): Promise<WorkItem | undefined> {
    return this.#queue(queue).take(this.#untilClosed(signal));
  }

  records(bucket: string): Promise<Records> {
    return this.#attempt(() => {
      checkToken('bucket', bucket);
      return getOrAdd(
        this.#buckets,
        bucket,
        () => new MemoryRecords(this.#keeperOf(bucket)),
      );
    });
  }

  close(): Promise<void> {
    this.#closing.abort();
    for (const queue of this.#queues.values()) queue.close();
    return Promise.resolve();
  }

  #keeperOf(bucket: string): RecordsKeeper | undefined {
    const folder = this.#folder;
    if (!folder || passingBuckets.has(bucket)) return undefined;
    return {
      found: folder.found(bucket),
      firstNumber: folder.firstNumber,
      put: (key, record) => folder.put(bucket, key, record),
      remove: (key) => folder.remove(bucket, key),
    };
  }

  #queue(name: string): MemoryQueue {
    checkToken('queue', name);
    return getOrAdd(
      this.#queues,
      name,
      () =>
        new MemoryQueue({
          ...this.#work,
          name,
          maxQueuedItems: this.#limits.maxQueuedItems,
          onDropped: (work, deliveries) =>
            this.#log.append(
              subjects.dropped(name),
              encode('event', { work, deliveries }),
            ),
        }),
    );
  }

  #untilClosed(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  /** Runs `act` unless closed; what it throws becomes a rejection. */
  async #attempt<T>(act: () => T): Promise<T> {
    if (this.#closing.signal.aborted) {
      throw new DrainingError({ service: 'the bus' });
    }
    return Promise.resolve(act());
  }
}

function getOrAdd<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
