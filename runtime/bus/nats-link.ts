import {
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  JetStreamError,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import {
  errors,
  type NatsConnection,
  type Status,
} from '@nats-io/transport-node';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DrainingError, ServiceUnavailableError } from '../errors.js';
import type { BusConnection } from './bus.js';
import { openConnection, type NatsSettings } from './nats-connect.js';
import { Notifier } from './notifier.js';

/** JetStream's code for a message beyond a stream's limits. */
export const streamIsFull = 10_077;

const longestAttemptMs = 2_000;
const retryDelayMs = 100;
const drainTimeoutMs = 2_000;

/**
 * One connection to NATS: its state, and requests that outlast a short absence
 * of the server. Every request ends in time, well or with an error.
 */
export class NatsLink {
  readonly js: JetStreamClient;
  readonly #connection: NatsConnection;
  readonly #settings: NatsSettings;
  readonly #requestTimeoutMs: number;
  /** How long one attempt at a request may take. */
  readonly #attemptTimeoutMs: number;
  readonly #closing = new AbortController();
  readonly #changed = new Notifier();
  /** Aborted when the connection is lost; a new one when it is back. */
  #session = newSession();
  #state: BusConnection = { connected: true, sinceMs: Date.now() };

  private constructor(connection: NatsConnection, settings: NatsSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#requestTimeoutMs = settings.requestTimeoutMs ?? 10_000;
    this.#attemptTimeoutMs = Math.min(
      longestAttemptMs,
      this.#requestTimeoutMs / 2,
    );
    this.js = jetstream(connection, { timeout: this.#attemptTimeoutMs });
    void this.#followStatus();
  }

  static async open(settings: NatsSettings): Promise<NatsLink> {
    return new NatsLink(await openConnection(settings), settings);
  }

  get state(): BusConnection {
    return this.#state;
  }

  /** Until `signal`, the end of the bus, or a loss of the connection. */
  session(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([this.untilClosed(signal), this.#session.signal]);
  }

  untilClosed(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  /** The interface to streams and consumers. */
  manager(): Promise<JetStreamManager> {
    return this.js.jetstreamManager(false);
  }

  /**
   * Repeats `attempt`, which must be harmless to repeat, while the server is
   * away, for at most `requestTimeoutMs`.
   * @throws ServiceUnavailableError, DrainingError
   */
  async request<T>(attempt: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const lastStartMs = startMs + this.#patienceMs;
    for (;;) {
      await this.#whenConnected(lastStartMs - performance.now());
      try {
        return await this.#whileConnected(attempt());
      } catch (cause) {
        this.#throwIfClosed();
        if (!isTransient(cause)) throw cause;
        if (performance.now() >= lastStartMs) throw this.#unavailable(cause);
      }
      await delay(retryDelayMs);
    }
  }

  /** Like `request`, for what must not be repeated: tries once. */
  async requestOnce<T>(attempt: () => Promise<T>): Promise<T> {
    await this.#whenConnected(this.#patienceMs);
    try {
      return await this.#whileConnected(attempt());
    } catch (cause) {
      this.#throwIfClosed();
      throw isTransient(cause) ? this.#unavailable(cause) : cause;
    }
  }

  /** Sends `payload`, again and again until the receiver answers it. */
  async untilAnswered(subject: string, payload: string): Promise<void> {
    const timeout = this.#attemptTimeoutMs;
    await this.request(() =>
      this.#connection.request(subject, payload, { timeout }),
    );
  }

  /** Resolves once the server has read everything sent so far. */
  flush(): Promise<void> {
    return this.request(() => this.#connection.flush());
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    if (this.#state.connected) {
      const late = new AbortController();
      await Promise.race([
        this.#connection.drain().catch(() => undefined),
        delay(drainTimeoutMs, undefined, { signal: late.signal }).catch(
          () => undefined,
        ),
      ]);
      late.abort();
    }
    await this.#connection.close();
  }

  /** How long to wait for the connection, so that an attempt still fits. */
  get #patienceMs(): number {
    return this.#requestTimeoutMs - this.#attemptTimeoutMs;
  }

  /** Does not wait for an answer that was lost with the connection. */
  #whileConnected<T>(answer: Promise<T>): Promise<T> {
    const { signal } = this.#session;
    return new Promise((resolve, reject) => {
      const lose = () => reject(new errors.ConnectionError('connection lost'));
      signal.addEventListener('abort', lose);
      answer
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', lose));
    });
  }

  async #whenConnected(forMs: number): Promise<void> {
    this.#throwIfClosed();
    if (this.#state.connected) return;
    const patience = AbortSignal.timeout(Math.max(0, Math.ceil(forMs)));
    const signal = this.untilClosed(patience);
    while (!this.#state.connected && !signal.aborted) {
      await this.#changed.wait(signal);
    }
    this.#throwIfClosed();
    if (!this.#state.connected) throw this.#unavailable(undefined);
  }

  #throwIfClosed(): void {
    if (this.#closing.signal.aborted) {
      throw new DrainingError({ service: 'the bus' });
    }
  }

  #unavailable(cause: unknown): ServiceUnavailableError {
    return new ServiceUnavailableError(
      {
        service: 'NATS',
        address: this.#settings.servers.join(','),
        waitedMs: this.#requestTimeoutMs,
      },
      { cause },
    );
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.#connection.status()) {
      this.#onStatus(status);
    }
  }

  #onStatus(status: Status): void {
    const { log } = this.#settings;
    if (status.type === 'disconnect') {
      this.#change(false);
      log?.warn({ server: status.server }, 'lost the connection to NATS');
    } else if (status.type === 'reconnect') {
      this.#change(true);
      log?.info({ server: status.server }, 'connected to NATS again');
    } else if (status.type === 'staleConnection') {
      log?.warn('NATS does not answer pings');
    } else if (status.type === 'error') {
      log?.error({ err: status.error }, 'NATS reports an error');
    }
  }

  #change(connected: boolean): void {
    if (connected === this.#state.connected) return;
    this.#state = { connected, sinceMs: Date.now() };
    if (connected) this.#session = newSession();
    else this.#session.abort();
    this.#changed.notify();
  }
}

function newSession(): AbortController {
  const session = new AbortController();
  // Each request in flight listens, and there may be many.
  setMaxListeners(0, session.signal);
  return session;
}

/** Whether the same request may succeed when the server is back. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ServiceUnavailableError ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.ConnectionError ||
    (error instanceof JetStreamApiError &&
      error.status === 503 &&
      error.code !== streamIsFull)
  );
}

/** Whether a consumer ended early and may be made anew. */
export function endsConsumer(error: unknown): boolean {
  return (
    // Heartbeats missed, or a status such as "consumer deleted".
    error instanceof JetStreamError ||
    (error instanceof JetStreamApiError &&
      error.code === JetStreamApiCodes.ConsumerNotFound)
  );
}
