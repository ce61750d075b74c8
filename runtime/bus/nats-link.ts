import {
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { DrainingError, ServiceUnavailableError } from '../errors.js';
import type { BusConnection } from './bus.js';
import { openConnection, type NatsSettings } from './nats-connect.js';
import { Notifier } from './notifier.js';

const attemptTimeoutMs = 2_000;
const retryDelayMs = 100;
const drainTimeoutMs = 2_000;

/**
 * One connection to NATS: its state, and requests that outlast a short absence
 * of the server. Every request ends in time, well or with an error.
 */
export class NatsLink {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly #connection: NatsConnection;
  readonly #settings: NatsSettings;
  readonly #requestTimeoutMs: number;
  readonly #closing = new AbortController();
  readonly #changed = new Notifier();
  /** Aborted, and replaced, when the connection is back after a loss. */
  #session = new AbortController();
  #state: BusConnection = { connected: true, sinceMs: Date.now() };

  private constructor(
    connection: NatsConnection,
    jsm: JetStreamManager,
    settings: NatsSettings,
  ) {
    this.#connection = connection;
    this.#settings = settings;
    this.#requestTimeoutMs = settings.requestTimeoutMs ?? 10_000;
    this.js = jetstream(connection, { timeout: attemptTimeoutMs });
    this.jsm = jsm;
    void this.#followStatus();
  }

  static async open(settings: NatsSettings): Promise<NatsLink> {
    const connection = await openConnection(settings);
    const options = { timeout: attemptTimeoutMs, checkAPI: false };
    const jsm = await jetstreamManager(connection, options);
    return new NatsLink(connection, jsm, settings);
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

  /**
   * Repeats `attempt`, which must be harmless to repeat, while the server is
   * away, for at most `requestTimeoutMs`.
   * @throws ServiceUnavailableError, DrainingError
   */
  async request<T>(attempt: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const lastStartMs = startMs + this.#requestTimeoutMs - attemptTimeoutMs;
    for (;;) {
      await this.#whenConnected(lastStartMs - performance.now());
      try {
        return await attempt();
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
    await this.#whenConnected(this.#requestTimeoutMs - attemptTimeoutMs);
    try {
      return await attempt();
    } catch (cause) {
      this.#throwIfClosed();
      throw isTransient(cause) ? this.#unavailable(cause) : cause;
    }
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
    const { log } = this.#settings;
    for await (const status of this.#connection.status()) {
      switch (status.type) {
        case 'disconnect':
          this.#change(false);
          log?.warn({ server: status.server }, 'lost the connection to NATS');
          break;
        case 'reconnect':
          this.#change(true);
          log?.info({ server: status.server }, 'connected to NATS again');
          break;
        case 'staleConnection':
          log?.warn('NATS does not answer pings');
          break;
        case 'error':
          log?.error({ err: status.error }, 'NATS reports an error');
          break;
      }
    }
  }

  #change(connected: boolean): void {
    if (connected === this.#state.connected) return;
    this.#state = { connected, sinceMs: Date.now() };
    if (connected) {
      this.#session.abort();
      this.#session = new AbortController();
    }
    this.#changed.notify();
  }
}

/** Whether the same request may succeed when the server is back. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ServiceUnavailableError ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.ConnectionError ||
    (error instanceof JetStreamApiError && error.status === 503)
  );
}
