import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, type UntypedHandleCall } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { ConfigInvalidError, DrainingError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RunningService } from '../service.js';
import {
  memberName,
  methodsOf,
  type Handlers,
  type ServiceName,
} from './contract.js';
import { readAccessRules } from './access.js';
import { counted } from './observe.js';
import { reflectedContract } from './reflection.js';
import {
  serverCredentials,
  serverOptions,
  type ListenOptions,
} from './options.js';
import { adapt, type AnyHandler, type Surroundings } from './server-calls.js';

export type { Call, Handlers } from './contract.js';
export type { ListenOptions } from './options.js';

export interface ServerOptions {
  name: string;
  handlers: { readonly [S in ServiceName]?: Handlers<S> };
  listen: ListenOptions;
  log: Logger;
  /** How long running calls may go on once the server closes; default 5 s. */
  drainMs?: number;
  /** How long the caller of a stream may read or send nothing; default 60 s. */
  stallMs?: number;
}

export interface RpcServer extends RunningService {
  /** What the health service says of `service`; SERVING at the start. */
  setServing(service: ServiceName, isServing: boolean): void;
}

/**
 * Serves the handlers together with gRPC health and reflection.
 * @throws ConfigInvalidError for plaintext off loopback, unreadable TLS files,
 *   access rules that are none, and an address that cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RpcServer> {
  const { name, log, listen, handlers } = options;
  const { drainMs = 5_000, stallMs = 60_000 } = options;
  const accessPath = listen.tls?.accessPath;
  const around: Surroundings = {
    name,
    log,
    authorise: accessPath ? readAccessRules(accessPath) : undefined,
    running: new Set(),
    stallMs,
    draining: false,
  };
  const server = new Server(serverOptions);
  const services = Object.keys(handlers) as ServiceName[];
  for (const service of services) {
    addService(server, service, handlers[service], around);
  }
  const health = new HealthImplementation(
    Object.fromEntries(['', ...services].map((key) => [key, 'SERVING'])),
  );
  health.addToServer(server);
  new ReflectionService(reflectedContract(), { services }).addToServer(server);
  const address = await bind(server, listen);
  log.info({ address, services }, 'listening');

  const close = async () => {
    around.draining = true;
    for (const service of ['', ...services]) {
      health.setStatus(service, 'NOT_SERVING');
    }
    await drain(server, around, drainMs);
    log.info({ address }, 'closed');
  };
  let closed: Promise<void> | undefined;
  return {
    ...{ name, address },
    close: () => (closed ??= close()),
    setServing: (service, isServing) =>
      health.setStatus(service, isServing ? 'SERVING' : 'NOT_SERVING'),
  };
}

function addService(
  server: Server,
  service: ServiceName,
  handlers: object | undefined,
  around: Surroundings,
): void {
  const byName = handlers as Record<string, AnyHandler>;
  const counts = { sent: 0, received: 0 };
  const methods = Object.entries(methodsOf(service)).map(
    ([name, method]) => [name, counted('server', method, counts)] as const,
  );
  const implementation = methods.map(
    ([name, method]): [string, UntypedHandleCall] => {
      const handler = byName[memberName(name)] as AnyHandler;
      return [name, adapt(method, handler, around)];
    },
  );
  server.addService(
    Object.fromEntries(methods),
    Object.fromEntries(implementation),
  );
}

async function bind(server: Server, listen: ListenOptions): Promise<string> {
  const { host = '127.0.0.1', port = 0 } = listen;
  const credentials = serverCredentials(listen);
  const hostPart = isIPv6(host) ? `[${host}]` : host;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${hostPart}:${port}`, credentials, (cause, boundPort) =>
      cause
        ? reject(unbound(`${hostPart}:${port}`, cause))
        : resolve(boundPort),
    );
  });
  return `${hostPart}:${bound}`;
}

function unbound(address: string, cause: Error): ConfigInvalidError {
  return new ConfigInvalidError(
    {
      source: 'listen',
      line: 0,
      field: 'host:port',
      value: address,
      expected: `an address to listen on (${cause.message})`,
    },
    { cause },
  );
}

/**
 * Streams end now, since their readers come back by themselves; other calls
 * may finish until the time is up, then everything is cut.
 */
async function drain(
  server: Server,
  { name, running }: Surroundings,
  drainMs: number,
): Promise<void> {
  const reason = new DrainingError({ service: name });
  const timeUp = new AbortController();
  for (const call of running) if (call.streaming) call.abort(reason);
  const finished = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  const bound = sleep(drainMs, undefined, { signal: timeUp.signal });
  await Promise.race([finished, bound.catch(() => undefined)]);
  timeUp.abort();
  for (const call of running) call.abort(reason);
  server.forceShutdown();
}
