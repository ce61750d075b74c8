import {
  RecordConflictError,
  RecordsStorageError,
  RunNotFoundError,
  ServiceUnavailableError,
} from '#runtime/errors.js';
import type { BusRecord, Records } from '#runtime/bus/bus.js';
import { Notifier } from '#runtime/bus/notifier.js';
import { isFinal, runRecordSchema, type RunRecord } from './run-record.js';

interface Stored {
  readonly record: RunRecord;
  /** The bus's revision, for optimistic locking; not the record's own. */
  readonly busRevision: number;
}

const writesAtATime = 32;

/**
 * All runs: kept in the bus's records, mirrored in memory for readers. The
 * leader is the only writer; where it is not, or where an answer got lost,
 * `refresh` reads a record again.
 */
export class RunStore {
  readonly #records: Records;
  readonly #epoch: number;
  readonly #runs = new Map<string, Stored>();
  readonly #changed = new Notifier();

  private constructor(records: Records, epoch: number) {
    this.#records = records;
    this.#epoch = epoch;
  }

  /**
   * Takes all runs over: writes each again, so that no write of an earlier
   * leader, which knows the revision of before, can follow.
   * @param onMalformed hears of records that are none of ours, by key
   * @throws ServiceUnavailableError
   */
  static async open(
    records: Records,
    epoch: number,
    onMalformed: (key: string) => void,
  ): Promise<RunStore> {
    const store = new RunStore(records, epoch);
    for (const entry of await records.list()) {
      if (!store.#mirror(entry)) onMalformed(entry.key);
    }
    const runIds = [...store.#runs.keys()];
    while (runIds.length > 0) {
      const some = runIds.splice(0, writesAtATime);
      await Promise.all(some.map((runId) => store.#takeOver(runId)));
    }
    return store;
  }

  get size(): number {
    return this.#runs.size;
  }

  find(runId: string): RunRecord | undefined {
    return this.#runs.get(runId)?.record;
  }

  /** @throws RunNotFoundError */
  get(runId: string): RunRecord {
    const record = this.find(runId);
    if (!record) throw new RunNotFoundError({ runId });
    return record;
  }

  /** Newest first. */
  list(): RunRecord[] {
    return [...this.#runs.values()]
      .map(({ record }) => record)
      .sort((a, b) => b.createdMs - a.createdMs);
  }

  live(): RunRecord[] {
    return this.list().filter((record) => !isFinal(record));
  }

  /** @throws RecordConflictError, ServiceUnavailableError */
  async create(record: RunRecord): Promise<void> {
    const next = { ...record, epoch: this.#epoch };
    const busRevision = await this.#records.create(record.runId, next);
    this.#set({ record: next, busRevision });
  }

  /**
   * Stores the next revision of a record.
   * @throws RecordConflictError, ServiceUnavailableError
   */
  async update(record: RunRecord): Promise<RunRecord> {
    const { runId } = record;
    const stored = this.#runs.get(runId);
    if (!stored) throw new RecordConflictError({ key: runId });
    const next = {
      ...record,
      epoch: this.#epoch,
      revision: stored.record.revision + 1,
    };
    const busRevision = await this.#records.update(
      runId,
      next,
      stored.busRevision,
    );
    this.#set({ record: next, busRevision });
    return next;
  }

  /** Mirrors what the bus has, after a write with an unclear end. */
  async refresh(runId: string): Promise<void> {
    const entry = await this.#records.get(runId);
    if (entry) this.#mirror(entry);
    else this.#forget(runId);
  }

  /** @throws RecordConflictError, ServiceUnavailableError */
  async delete(runId: string): Promise<void> {
    const stored = this.#runs.get(runId);
    if (!stored) return;
    await this.#records.delete(runId, stored.busRevision);
    this.#forget(runId);
  }

  /** Mirrors runs that the bus has and that are not known here. */
  async discover(): Promise<void> {
    for (const runId of await this.#records.keys())
      if (!this.#runs.has(runId)) await this.refresh(runId);
  }

  /**
   * A run now and after every change, the changes that a slow reader missed
   * merged into the newest; ends after the final record, or with `signal`.
   * @throws RunNotFoundError
   */
  async *watch(runId: string, signal: AbortSignal): AsyncGenerator<RunRecord> {
    let seen = 0;
    while (!signal.aborted) {
      const record = this.get(runId);
      if (record.revision !== seen) yield record;
      if (isFinal(record)) return;
      seen = record.revision;
      // Nothing may have changed while the reader held what was yielded.
      if (this.find(runId) === record) await this.#changed.wait(signal);
    }
  }

  async #takeOver(runId: string): Promise<void> {
    for (;;) {
      const record = this.find(runId);
      if (!record || record.epoch === this.#epoch) return;
      try {
        await this.update(record);
      } catch (error) {
        // The earlier leader's last write came first.
        if (!mayHaveHappened(error)) throw error;
        await this.refresh(runId);
      }
    }
  }

  #forget(runId: string): void {
    this.#runs.delete(runId);
    this.#changed.notify();
  }

  #set(stored: Stored): void {
    this.#runs.set(stored.record.runId, stored);
    this.#changed.notify();
  }

  #mirror({ key, value, revision }: BusRecord): boolean {
    const parsed = runRecordSchema.safeParse(value);
    if (!parsed.success || parsed.data.runId !== key) return false;
    this.#set({ record: parsed.data, busRevision: revision });
    return true;
  }
}

/** Whether reading the record again may show the change. */
export function mayHaveHappened(error: unknown): boolean {
  return (
    error instanceof RecordConflictError ||
    error instanceof RecordsStorageError ||
    error instanceof ServiceUnavailableError
  );
}
