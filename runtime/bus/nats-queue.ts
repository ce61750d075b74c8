import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  type Consumer,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { BusFullError } from '../errors.js';
import type { BusLimits, JsonObject, WorkItem, WorkSettings } from './bus.js';
import { decode } from './message.js';
import {
  endsConsumer,
  isTransient,
  streamIsFull,
  type NatsLink,
} from './nats-link.js';
import { ensureStream } from './nats-log.js';

const stream = 'RRD_WORK';
const subjectOf = (queue: string) => `rrd-work.v1.${queue}`;
const pullExpiresMs = 5_000;
const retryDelayMs = 200;
/** What JetStream is told of a message that it has delivered. */
const acknowledged = '+ACK';
const inProgress = '+WPI';

type OnDropped = (
  queue: string,
  item: { work: JsonObject; deliveries: number; sequence: number },
) => Promise<void>;

/** Work queues: one work-queue stream, one durable consumer each. */
export class NatsQueues {
  readonly #link: NatsLink;
  readonly #settings: WorkSettings;
  readonly #limits: BusLimits;
  readonly #onDropped: OnDropped;
  readonly #consumers = new Map<string, Promise<Consumer>>();

  private constructor(
    link: NatsLink,
    settings: WorkSettings,
    limits: BusLimits,
    onDropped: OnDropped,
  ) {
    this.#link = link;
    this.#settings = settings;
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  static async open(
    link: NatsLink,
    settings: WorkSettings,
    limits: BusLimits,
    onDropped: OnDropped,
  ): Promise<NatsQueues> {
    await ensureStream(link, {
      name: stream,
      subjects: [subjectOf('*')],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_msgs: limits.maxQueuedItems,
    });
    return new NatsQueues(link, settings, limits, onDropped);
  }

  async offer(
    queue: string,
    bytes: Uint8Array,
    messageId: string,
  ): Promise<void> {
    try {
      await this.#link.request(() =>
        this.#link.js.publish(subjectOf(queue), bytes, { msgID: messageId }),
      );
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      if (error.code !== streamIsFull) throw error;
      throw new BusFullError({
        queue: `work queue ${queue}`,
        limit: `${this.#limits.maxQueuedItems} items`,
      });
    }
  }

  async take(
    queue: string,
    signal: AbortSignal,
  ): Promise<WorkItem | undefined> {
    const untilClosed = this.#link.untilClosed(signal);
    while (!untilClosed.aborted) {
      try {
        const message = await this.#next(queue, untilClosed);
        if (message && !(await this.#dropIfSpent(queue, message))) {
          return this.#lend(message);
        }
      } catch (error) {
        if (untilClosed.aborted) return undefined;
        if (!isTransient(error) && !endsConsumer(error)) throw error;
        this.#consumers.delete(queue);
        await delay(retryDelayMs);
      }
    }
    return undefined;
  }

  /** The next message; undefined where none came before the pull expired. */
  async #next(queue: string, signal: AbortSignal): Promise<JsMsg | undefined> {
    const session = this.#link.session(signal);
    if (session.aborted) {
      // The server is away. A pull would end at once, again and again.
      await delay(retryDelayMs);
      return undefined;
    }
    const consumer = await this.#consumer(queue);
    const messages = await consumer.fetch({
      max_messages: 1,
      expires: pullExpiresMs,
    });
    const stop = () => messages.stop();
    session.addEventListener('abort', stop);
    if (session.aborted) stop();
    try {
      for await (const message of messages) {
        if (!signal.aborted) return message;
        message.nak();
      }
      return undefined;
    } finally {
      session.removeEventListener('abort', stop);
    }
  }

  /**
   * The server would keep a message that was delivered often enough for ever;
   * so it may deliver once more, and we end it.
   */
  async #dropIfSpent(queue: string, message: JsMsg): Promise<boolean> {
    const deliveries = message.info.deliveryCount - 1;
    if (deliveries < this.#settings.maxDeliveries) return false;
    const work = decode(message.data);
    await this.#onDropped(queue, { work, deliveries, sequence: message.seq });
    message.term();
    await this.#link.flush();
    return true;
  }

  /**
   * The library acknowledges but once, and what it sends without asking for an
   * answer is lost with the connection; so these are requests of our own.
   */
  #lend(message: JsMsg): WorkItem {
    const replySubject = replySubjectOf(message);
    const told = (verdict: string) =>
      this.#link.untilAnswered(replySubject, verdict);
    return {
      work: decode(message.data),
      delivery: message.info.deliveryCount,
      extend: () => told(inProgress),
      done: () => told(acknowledged),
      release: () => {
        message.nak();
        return this.#link.flush();
      },
    };
  }

  #consumer(queue: string): Promise<Consumer> {
    const known = this.#consumers.get(queue);
    if (known) return known;
    const made = this.#makeConsumer(queue);
    this.#consumers.set(queue, made);
    made.catch(() => this.#consumers.delete(queue));
    return made;
  }

  async #makeConsumer(queue: string): Promise<Consumer> {
    const { consumers } = await this.#link.manager();
    await this.#link.request(() =>
      consumers.add(stream, {
        durable_name: queue,
        filter_subject: subjectOf(queue),
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(this.#settings.leaseMs),
      }),
    );
    return this.#link.request(() => this.#link.js.consumers.get(stream, queue));
  }
}

/** Where JetStream hears what became of a message; its type leaves that out. */
function replySubjectOf(message: JsMsg): string {
  return (message as JsMsg & { readonly reply: string }).reply;
}
