import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type Consumer,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import {
  dedupWindowMs,
  type BusEvent,
  type BusLimits,
  type StartAt,
} from './bus.js';
import { decode } from './message.js';
import { endsConsumer, isTransient, type NatsLink } from './nats-link.js';

const stream = 'RRD_EVENTS';
const maxAgeMs = 7 * 24 * 3_600_000;
/** Half of it is the server's heartbeat to a reader. */
const pullExpiresMs = 5_000;
const retryDelayMs = 200;

type NewStream = Partial<StreamConfig> & { name: string };

/** Creates a stream; one that is there stays as its operator made it. */
export async function ensureStream(
  link: NatsLink,
  config: NewStream,
): Promise<void> {
  const { streams } = await link.manager();
  try {
    await link.request(() => streams.info(config.name));
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    if (error.code !== JetStreamApiCodes.StreamNotFound) throw error;
    await link.request(() =>
      streams.add({
        storage: StorageType.File,
        duplicate_window: nanos(dedupWindowMs),
        ...config,
      }),
    );
  }
}

/** The event log: one stream, read through ordered consumers. */
export class NatsLog {
  readonly #link: NatsLink;
  /** Positions of `now` that are being asked for; later events wait. */
  readonly #settling = new Set<Promise<number>>();

  private constructor(link: NatsLink) {
    this.#link = link;
  }

  static async open(link: NatsLink, limits: BusLimits): Promise<NatsLog> {
    await ensureStream(link, {
      name: stream,
      subjects: ['rrd.v1.>'],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_msgs: limits.maxEvents,
      max_bytes: limits.maxEventBytes,
      max_age: nanos(maxAgeMs),
    });
    return new NatsLog(link);
  }

  async append(
    subject: string,
    bytes: Uint8Array,
    messageId: string,
  ): Promise<void> {
    await Promise.allSettled(this.#settling);
    await this.#link.request(() =>
      this.#link.js.publish(subject, bytes, { msgID: messageId }),
    );
  }

  /** Settles where to start at the call, before the first `next()`. */
  read(
    pattern: string,
    from: StartAt,
    signal: AbortSignal,
  ): AsyncGenerator<BusEvent> {
    const after = this.#positionOf(from);
    this.#settling.add(after);
    // The reader gets the error too, at its first `next()`.
    after.catch(() => undefined).finally(() => this.#settling.delete(after));
    return this.#readAfter(pattern, after, this.#link.untilClosed(signal));
  }

  async #positionOf(from: StartAt): Promise<number> {
    if (from === 'start') return 0;
    if (from !== 'now') return from.after;
    const { streams } = await this.#link.manager();
    const { state } = await this.#link.request(() => streams.info(stream));
    return state.last_seq;
  }

  /** Starts a consumer anew, after the last event seen, whenever one ends. */
  async *#readAfter(
    pattern: string,
    position: Promise<number>,
    signal: AbortSignal,
  ): AsyncGenerator<BusEvent> {
    let after = await position.catch((error: unknown) => {
      if (signal.aborted) return 0;
      throw error;
    });
    while (!signal.aborted) {
      try {
        for await (const event of this.#session(pattern, after, signal)) {
          if (signal.aborted) return;
          after = event.sequence;
          yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isTransient(error) && !endsConsumer(error)) throw error;
        await delay(retryDelayMs);
      }
    }
  }

  async *#session(
    pattern: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<BusEvent> {
    const session = this.#link.session(signal);
    const consumer = await this.#link.request(() =>
      this.#link.js.consumers.get(stream, {
        filter_subjects: pattern,
        opt_start_seq: after + 1,
      }),
    );
    const messages = await consumer.consume({ expires: pullExpiresMs });
    const stop = () => messages.stop();
    session.addEventListener('abort', stop);
    if (session.aborted) stop();
    try {
      for await (const message of messages) {
        yield {
          subject: message.subject,
          data: decode(message.data),
          sequence: message.seq,
        };
      }
    } finally {
      session.removeEventListener('abort', stop);
      stop();
      this.#forget(consumer);
    }
  }

  /** The server forgets it by itself after five minutes; this is sooner. */
  #forget(consumer: Consumer): void {
    consumer.delete().catch(() => undefined);
  }
}
