import { Client } from '@grpc/grpc-js';
import type { Logger } from '../logger.js';
import { callMethod } from './client-calls.js';
import {
  memberName,
  methodsOf,
  type ServiceName,
  type Stub,
} from './contract.js';
import { counted, type ByteCounts } from './observe.js';
import { clientCredentials, clientOptions, type ClientTls } from './options.js';

export type { CallOptions } from './contract.js';
export type { ByteCounts } from './observe.js';
export type { ClientTls } from './options.js';

export interface ConnectOptions {
  log?: Logger;
  tls?: ClientTls | undefined;
}

/** The methods of a service, and the connection's own. */
export type RpcClient<S extends ServiceName> = Stub<S> & {
  readonly address: string;
  /** Message bytes of this client so far. */
  readonly bytes: Readonly<ByteCounts>;
  /** Ends the connection; calls in progress fail. */
  close(): void;
};

/**
 * A client of `service` at `host:port` (a name with several addresses is
 * balanced over them). Connects with the first call. Calls reject with the
 * DomainError that the server threw, with ServiceUnavailableError,
 * DeadlineExceededError or RemoteError where it sent none, and with
 * `signal.reason` when they were aborted.
 */
export function connect<S extends ServiceName>(
  service: S,
  address: string,
  options: ConnectOptions = {},
): RpcClient<S> {
  const { tls, log } = options;
  const client = new Client(address, clientCredentials(tls), {
    ...clientOptions,
    ...(tls?.serverName !== undefined && {
      'grpc.ssl_target_name_override': tls.serverName,
      'grpc.default_authority': tls.serverName,
    }),
  });
  const bytes = { sent: 0, received: 0 };
  const stub = Object.entries(methodsOf(service)).map(([name, method]) => [
    memberName(name),
    callMethod({
      client,
      address,
      service,
      name,
      log,
      method: counted('client', method, bytes),
    }),
  ]);
  return {
    ...(Object.fromEntries(stub) as Stub<S>),
    address,
    bytes,
    close: () => client.close(),
  };
}
