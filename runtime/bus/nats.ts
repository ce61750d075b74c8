import { randomUUID } from 'node:crypto';
import {
  defaultBusLimits,
  defaultWorkSettings,
  type Bus,
  type BusConnection,
  type BusEvent,
  type JsonObject,
  type Records,
  type StartAt,
  type WorkItem,
} from './bus.js';
import { encode } from './message.js';
import type { NatsSettings } from './nats-connect.js';
import { NatsLink } from './nats-link.js';
import { NatsLog } from './nats-log.js';
import { NatsQueues } from './nats-queue.js';
import { NatsRecords } from './nats-records.js';
import {
  checkPattern,
  checkSubject,
  checkToken,
  subjects,
} from './subjects.js';

export type { NatsAuth, NatsSettings } from './nats-connect.js';

/**
 * The bus of services that live in processes of their own, on NATS JetStream.
 * What is there stays through restarts of the server and of its clients.
 * @throws ConfigInvalidError, ServiceUnavailableError; see `openConnection`
 */
export async function connectNats(settings: NatsSettings): Promise<Bus> {
  const link = await NatsLink.open(settings);
  try {
    const limits = { ...defaultBusLimits, ...settings.limits };
    const work = { ...defaultWorkSettings, ...settings.work };
    const log = await NatsLog.open(link, limits);
    const queues = await NatsQueues.open(
      link,
      work,
      limits,
      (queue, { sequence, ...item }) =>
        log.append(
          subjects.dropped(queue),
          encode('event', item),
          `dropped-${queue}-${sequence}`,
        ),
    );
    return new NatsBus(link, log, queues);
  } catch (error) {
    await link.close();
    throw error;
  }
}

class NatsBus implements Bus {
  readonly kind = 'nats';
  readonly #link: NatsLink;
  readonly #log: NatsLog;
  readonly #queues: NatsQueues;

  constructor(link: NatsLink, log: NatsLog, queues: NatsQueues) {
    this.#link = link;
    this.#log = log;
    this.#queues = queues;
  }

  connection(): BusConnection {
    return this.#link.state;
  }

  // An id for every message: a request repeated after a timeout counts once.
  async publish(
    subject: string,
    event: JsonObject,
    options: { messageId?: string } = {},
  ): Promise<void> {
    checkSubject(subject);
    const bytes = encode('event', event);
    await this.#log.append(subject, bytes, options.messageId ?? randomUUID());
  }

  subscribe(
    pattern: string,
    options: { from: StartAt; signal: AbortSignal },
  ): AsyncIterable<BusEvent> {
    checkPattern(pattern);
    return this.#log.read(pattern, options.from, options.signal);
  }

  async offer(
    queue: string,
    work: JsonObject,
    options: { messageId?: string } = {},
  ): Promise<void> {
    checkToken('queue', queue);
    const bytes = encode('work', work);
    await this.#queues.offer(queue, bytes, options.messageId ?? randomUUID());
  }

  async take(
    queue: string,
    signal: AbortSignal,
  ): Promise<WorkItem | undefined> {
    checkToken('queue', queue);
    return this.#queues.take(queue, signal);
  }

  async records(bucket: string): Promise<Records> {
    checkToken('bucket', bucket);
    return NatsRecords.open(this.#link, bucket);
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
