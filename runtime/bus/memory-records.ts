import { RecordConflictError } from '../errors.js';
import type { BusRecord, JsonObject, Records } from './bus.js';
import { decode, encode } from './message.js';
import { checkToken } from './subjects.js';

interface StoredRecord {
  readonly bytes: Uint8Array;
  readonly revision: number;
}

/** One bucket. Revisions are numbered over all its keys, as JetStream does. */
export class MemoryRecords implements Records {
  readonly #records = new Map<string, StoredRecord>();
  #revision = 0;

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

  // async: what they throw is a rejection, as on a bus that is far away.
  async delete(key: string, revision: number): Promise<void> {
    this.#check(key, revision);
    this.#records.delete(key);
    return Promise.resolve();
  }

  async #write(
    key: string,
    value: JsonObject,
    expected: number | undefined,
  ): Promise<number> {
    checkToken('key', key);
    const bytes = encode('value', value);
    this.#check(key, expected);
    this.#records.set(key, { bytes, revision: ++this.#revision });
    return Promise.resolve(this.#revision);
  }

  #check(key: string, expected: number | undefined): void {
    if (this.#records.get(key)?.revision === expected) return;
    throw new RecordConflictError({ key });
  }
}

function toRecord(key: string, stored: StoredRecord): BusRecord {
  return { key, value: decode(stored.bytes), revision: stored.revision };
}
