import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { Kvm, type KV, type KvEntry } from '@nats-io/kv';
import { errors } from '@nats-io/transport-node';
import { RecordConflictError } from '../errors.js';
import type { BusRecord, JsonObject, Records } from './bus.js';
import { decode, encode } from './message.js';
import type { NatsLink } from './nats-link.js';
import { checkToken } from './subjects.js';

const conflicts: ReadonlySet<number> = new Set([
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
]);
const listTimeoutMs = 5_000;
const readsAtATime = 32;

/** One key-value bucket; it keeps the newest value of each key. */
export class NatsRecords implements Records {
  readonly #link: NatsLink;
  readonly #bucket: string;
  readonly #kv: KV;

  private constructor(link: NatsLink, bucket: string, kv: KV) {
    this.#link = link;
    this.#bucket = bucket;
    this.#kv = kv;
  }

  static async open(link: NatsLink, name: string): Promise<NatsRecords> {
    const bucket = `rrd_${name}`;
    const kvm = new Kvm(link.js);
    const kv = await link.request(() => kvm.create(bucket, { history: 1 }));
    return new NatsRecords(link, bucket, kv);
  }

  async get(key: string): Promise<BusRecord | undefined> {
    checkToken('key', key);
    const entry = await this.#link.request(() => this.#kv.get(key));
    return entry && entry.operation === 'PUT' ? toRecord(entry) : undefined;
  }

  async list(): Promise<BusRecord[]> {
    const keys = await this.#link.request(() => this.#keys());
    const records: (BusRecord | undefined)[] = [];
    while (keys.length > 0) {
      const some = keys.splice(0, readsAtATime);
      records.push(...(await Promise.all(some.map((key) => this.get(key)))));
    }
    return records.filter((record) => record !== undefined);
  }

  create(key: string, value: JsonObject): Promise<number> {
    return this.#write(key, value, (bytes) => this.#kv.create(key, bytes));
  }

  update(key: string, value: JsonObject, revision: number): Promise<number> {
    return this.#write(key, value, (bytes) =>
      this.#kv.update(key, bytes, revision),
    );
  }

  /** Removes the key's messages, so that no marker stays behind. */
  async delete(key: string): Promise<void> {
    checkToken('key', key);
    const { streams } = await this.#link.manager();
    await this.#link.request(() =>
      streams.purge(`KV_${this.#bucket}`, {
        filter: `$KV.${this.#bucket}.${key}`,
      }),
    );
  }

  async #write(
    key: string,
    value: JsonObject,
    write: (bytes: Uint8Array) => Promise<number>,
  ): Promise<number> {
    checkToken('key', key);
    const bytes = encode('value', value);
    try {
      return await this.#link.requestOnce(() => write(bytes));
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      if (!conflicts.has(error.code)) throw error;
      throw new RecordConflictError({ key });
    }
  }

  async #keys(): Promise<string[]> {
    const keys = await this.#kv.keys();
    // Where the server dies while it lists, the iterator would never end.
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      keys.stop();
    }, listTimeoutMs);
    try {
      const found: string[] = [];
      for await (const key of keys) found.push(key);
      if (isLate) throw new errors.TimeoutError();
      return found;
    } finally {
      clearTimeout(late);
    }
  }
}

function toRecord({ key, value, revision }: KvEntry): BusRecord {
  return { key, value: decode(value), revision };
}
