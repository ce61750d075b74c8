import { readFileSync } from 'node:fs';
import {
  connect,
  credsAuthenticator,
  errors,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigInvalidError, ServiceUnavailableError } from '../errors.js';
import type { Logger } from '../logger.js';
import { maxMessageBytes, type BusOptions } from './bus.js';

/** Files are read at every connect, so a rotated secret is picked up. */
export type NatsAuth =
  /** Two lines: user, password. */
  | { readonly userPasswordPath: string }
  /** An nkey seed. */
  | { readonly nkeyPath: string }
  /** A .creds file: JWT and seed. */
  | { readonly credsPath: string };

export interface NatsSettings extends BusOptions {
  /** `host:port` each; never a user or a password. */
  readonly servers: readonly string[];
  readonly auth?: NatsAuth;
  /** Name the servers as their certificates do, never by number. */
  readonly tls?: {
    readonly caPath: string;
    readonly certPath?: string;
    readonly keyPath?: string;
  };
  /** How long to wait for a server at the start; default 10 s. */
  readonly connectTimeoutMs?: number;
  /** How long any later request may take, retries included; default 10 s. */
  readonly requestTimeoutMs?: number;
  readonly log?: Logger;
}

/** Older servers lack parts of JetStream that the client relies on. */
const oldestServer = { major: 2, minor: 9 };
const attemptTimeoutMs = 2_000;
const retryDelayMs = 200;

/**
 * A connection that then reconnects for ever.
 * @throws ConfigInvalidError for a server that is too old, has no JetStream or
 *   refuses the credentials
 * @throws ServiceUnavailableError where no server answers in time
 */
export async function openConnection(
  settings: NatsSettings,
): Promise<NatsConnection> {
  const options = connectionOptions(settings);
  const timeoutMs = settings.connectTimeoutMs ?? 10_000;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await checked(await connect(options));
    } catch (cause) {
      if (cause instanceof ConfigInvalidError) throw cause;
      if (cause instanceof errors.AuthorizationError) {
        throw refused('these credentials', 'ones that the server knows', cause);
      }
      if (performance.now() + retryDelayMs > deadlineMs) {
        const address = settings.servers.join(',');
        throw new ServiceUnavailableError(
          { service: 'NATS', address, waitedMs: timeoutMs },
          { cause },
        );
      }
      await delay(retryDelayMs);
    }
  }
}

function connectionOptions(settings: NatsSettings): ConnectionOptions {
  settings.servers.forEach(checkServer);
  const { auth, tls } = settings;
  return {
    servers: [...settings.servers],
    name: 'rrd',
    timeout: attemptTimeoutMs,
    maxReconnectAttempts: -1,
    // A server that is being given new users refuses everybody for a moment.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    // A dead network is noticed after two of these; the default takes minutes.
    pingInterval: 3_000,
    maxPingOut: 2,
    ...(auth && { authenticator: authenticator(auth) }),
    ...(tls && {
      tls: {
        caFile: tls.caPath,
        ...(tls.certPath && { certFile: tls.certPath }),
        ...(tls.keyPath && { keyFile: tls.keyPath }),
      },
    }),
  };
}

function checkServer(server: string): void {
  if (/^[^@/\s]+:\d+$/.test(server)) return;
  throw new ConfigInvalidError({
    source: 'bus',
    line: 0,
    field: 'servers',
    // What stands before an @ may be a secret.
    value: JSON.stringify(server.replace(/^.*@/, '***@')),
    expected: 'host:port; credentials come from files',
  });
}

function authenticator(auth: NatsAuth): Authenticator {
  if ('nkeyPath' in auth) {
    return nkeyAuthenticator(() => trimmed(auth.nkeyPath));
  }
  if ('credsPath' in auth) {
    return credsAuthenticator(() => readFileSync(auth.credsPath));
  }
  const line = (index: number) => () =>
    readFileSync(auth.userPasswordPath, 'utf8').split(/\r?\n/)[index] ?? '';
  return usernamePasswordAuthenticator(line(0), line(1));
}

function trimmed(path: string): Uint8Array {
  return new TextEncoder().encode(readFileSync(path, 'utf8').trim());
}

async function checked(connection: NatsConnection): Promise<NatsConnection> {
  const problem = problemOf(connection);
  if (!problem) return connection;
  await connection.close();
  throw problem;
}

function problemOf({ info }: NatsConnection): ConfigInvalidError | undefined {
  const version = info?.version ?? 'unknown';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld =
    major < oldestServer.major ||
    (major === oldestServer.major && minor < oldestServer.minor);
  if (isOld) {
    return refused(
      `nats-server ${version}`,
      `${oldestServer.major}.${oldestServer.minor} or newer`,
    );
  }
  if (info?.jetstream !== true) {
    return refused(
      `nats-server ${version} without JetStream`,
      'one started with -js or with jetstream in its configuration',
    );
  }
  if (info.max_payload < maxMessageBytes) {
    return refused(
      `nats-server with max_payload ${info.max_payload}`,
      `at least ${maxMessageBytes}`,
    );
  }
  return undefined;
}

function refused(value: string, expected: string, cause?: unknown) {
  return new ConfigInvalidError(
    { source: 'bus', line: 0, field: 'servers', value, expected },
    { cause },
  );
}
