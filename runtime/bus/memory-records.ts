import { RecordConflictError } from '../errors.js';
import type { BusRecord, JsonObject, Records } from './bus.js';
import { decode, encode } from './message.js';
import { checkToken } from './subjects.js';

export interface StoredRecord {
  readonly bytes: Uint8Array;
  readonly revision: number;
}

/** Where a bucket's records are kept besides. */
export interface RecordsKeeper {
  /** Those that are there. */
  readonly found: ReadonlyMap<string, StoredRecord>;
  /** Below the revisions of all writes to come. */
  readonly firstNumber: number;
  put(key: string, record: StoredRecord): Promise<void>;
  remove(key: string): Promise<void>;
}

/** One bucket. Revisions are numbered over all its keys, as JetStream does. */
export class MemoryRecords implements Records {
  readonly #records: Map<string, StoredRecord>;
  readonly #keeper: RecordsKeeper | undefined;
  #revision: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(keeper?: RecordsKeeper) {
    this.#keeper = keeper;
    this.#records = new Map(keeper?.found);
    this.#revision = keeper?.firstNumber ?? 0;
  }

  get(key: string): Promise<BusRecord | undefined> {
    const stored = this.#records.get(key);
    return Promise.resolve(stored && toRecord(key, stored));
  }

  keys(): Promise<string[]> {
    return Promise.resolve([...this.#records.keys()]);
  }

  list(): Promise<BusRecord[]> {
    return Promise.resolve(
      [...this.#records].map(([key, stored]) => toRecord(key, stored)),
    );
  }

  create(key: string, value: JsonObject): Promise<number> {
    return this.#write(key, value, undefined);
  }

  update(key: string, value: JsonObject, revision: number): Promise<number> {
    return this.#write(key, value, revision);
  }

  delete(key: string, revision: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#check(key, revision);
      await this.#keeper?.remove(key);
      this.#records.delete(key);
    });
  }

  // async: what it throws is a rejection, as on a bus that is far away.
  async #write(
    key: string,
    value: JsonObject,
    expected: number | undefined,
  ): Promise<number> {
    checkToken('key', key);
    const bytes = encode('value', value);
    return this.#inTurn(async () => {
      this.#check(key, expected);
      const record = { bytes, revision: ++this.#revision };
      await this.#keeper?.put(key, record);
      this.#records.set(key, record);
      return record.revision;
    });
  }

  /** Nothing changes between the look at a revision and its successor. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #check(key: string, expected: number | undefined): void {
    if (this.#records.get(key)?.revision === expected) return;
    throw new RecordConflictError({ key });
  }
}

function toRecord(key: string, stored: StoredRecord): BusRecord {
  return { key, value: decode(stored.bytes), revision: stored.revision };
}
