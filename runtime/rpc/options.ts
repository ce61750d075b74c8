import { readFileSync } from 'node:fs';
import {
  credentials,
  ServerCredentials,
  type ChannelCredentials,
  type ChannelOptions,
} from '@grpc/grpc-js';
import { ConfigInvalidError } from '../errors.js';

/** The options of grpc-js that exist; its own type takes any key at all. */
type KnownOptions = {
  [
    K in keyof ChannelOptions as string extends K ? never : K
  ]: ChannelOptions[K];
};

/** Of one message, either way. */
export const maxMessageBytes = 64 * 2 ** 20;

/**
 * Both ends: 64 MiB messages, no compression (floats do not compress), and a
 * window that holds twenty messages of 200 KB (HTTP/2's own holds a third of
 * one, then waits a round trip; 1 MiB measured half as fast as this).
 */
export const serverOptions: KnownOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.enable_channelz': 0,
  'grpc-node.flow_control_window': 2 ** 22,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/**
 * All replicas behind a name take turns, a lost peer is tried again within
 * seconds, and no proxy of the environment gets between two services.
 */
export const clientOptions: KnownOptions = {
  ...serverOptions,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.dns_min_time_between_resolutions_ms': 2_000,
  'grpc.service_config': JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
  }),
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
};

export interface ServerTls {
  certPath: string;
  keyPath: string;
  /** When given, callers must show a certificate that it signed. */
  caPath?: string | undefined;
  /** A file that says which of them may call what: see access.ts. */
  accessPath?: string | undefined;
}

export interface ClientTls {
  caPath: string;
  /** The certificate to show, where the server asks for one. */
  certPath?: string | undefined;
  keyPath?: string | undefined;
  /** The name in the server's certificate, where it is not the address. */
  serverName?: string | undefined;
}

export interface ListenOptions {
  /** Default 127.0.0.1. */
  host?: string | undefined;
  /** Default 0: any free port. */
  port?: number | undefined;
  tls?: ServerTls | undefined;
  /** Allows plaintext off loopback, for networks that encrypt by themselves. */
  insecurePlaintext?: boolean | undefined;
}

const loopback = /^(127(\.\d{1,3}){3}|localhost|\[?::1\]?)$/;

/**
 * @throws ConfigInvalidError for plaintext off loopback without the flag, and
 *   for files that cannot be read
 */
export function serverCredentials(listen: ListenOptions): ServerCredentials {
  const { host = '127.0.0.1', tls, insecurePlaintext = false } = listen;
  if (tls === undefined) {
    if (!loopback.test(host) && !insecurePlaintext) {
      throw new ConfigInvalidError({
        source: 'listen',
        line: 0,
        field: 'host',
        value: host,
        expected: 'a loopback address, or tls, or insecurePlaintext',
      });
    }
    return ServerCredentials.createInsecure();
  }
  return ServerCredentials.createSsl(
    tls.caPath === undefined ? null : readPem('caPath', tls.caPath),
    [
      {
        cert_chain: readPem('certPath', tls.certPath),
        private_key: readPem('keyPath', tls.keyPath),
      },
    ],
    tls.caPath !== undefined,
  );
}

/** @throws ConfigInvalidError for files that cannot be read */
export function clientCredentials(
  tls: ClientTls | undefined,
): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { caPath, certPath, keyPath } = tls;
  return credentials.createSsl(
    readPem('caPath', caPath),
    keyPath === undefined ? null : readPem('keyPath', keyPath),
    certPath === undefined ? null : readPem('certPath', certPath),
  );
}

function readPem(field: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ConfigInvalidError(
      {
        source: 'tls',
        line: 0,
        field,
        value: path,
        expected: 'a PEM file that can be read',
      },
      { cause },
    );
  }
}
