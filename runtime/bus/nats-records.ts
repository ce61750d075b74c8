import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { Kvm, type KV, type KvEntry } from '@nats-io/kv';
import { errors, headers } from '@nats-io/transport-node';
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

  keys(): Promise<string[]> {
    return this.#link.request(() => this.#keys());
  }

  async list(): Promise<BusRecord[]> {
    const keys = await this.keys();
    const records: (BusRecord | undefined)[] = [];
    while (keys.length > 0) {
      const some = keys.splice(0, readsAtATime);
      records.push(...(await Promise.all(some.map((key) => this.get(key)))));
    }
    return records.filter((record) => record !== undefined);
  }

  async create(key: string, value: JsonObject): Promise<number> {
    const bytes = encode('value', value);
    return this.#write(key, () => this.#kv.create(key, bytes));
  }

  async update(
    key: string,
    value: JsonObject,
    revision: number,
  ): Promise<number> {
    const bytes = encode('value', value);
    return this.#write(key, () => this.#kv.update(key, bytes, revision));
  }

  async delete(key: string, revision: number): Promise<void> {
    const subject = `$KV.${this.#bucket}.${key}`;
    const marker = headers();
    marker.set('KV-Operation', 'DEL');
    const { seq } = await this.#write(key, () =>
      this.#link.js.publish(subject, undefined, {
        headers: marker,
        expect: { lastSubjectSequence: revision },
      }),
    );
    // Nor does the marker stay; what was created behind it does.
    const { streams } = await this.#link.manager();
    await this.#link.request(() =>
      streams.purge(`KV_${this.#bucket}`, { filter: subject, seq: seq + 1 }),
    );
  }

  async #write<T>(key: string, write: () => Promise<T>): Promise<T> {
    checkToken('key', key);
    try {
      return await this.#link.requestOnce(write);
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
