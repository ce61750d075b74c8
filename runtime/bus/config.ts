import { z } from 'zod';
import { parseConfig } from '../config.js';
import { ConfigInvalidError } from '../errors.js';
import type { NatsSettings } from './nats.js';

const schema = z.strictObject({
  /** `host:port` of each nats-server, with commas between them. */
  servers: z.string().min(1),
  auth: z
    .union([
      z.strictObject({ userPasswordPath: z.string() }),
      z.strictObject({ nkeyPath: z.string() }),
      z.strictObject({ credsPath: z.string() }),
    ])
    .exactOptional(),
  tls: z
    .strictObject({
      caPath: z.string(),
      certPath: z.string().exactOptional(),
      keyPath: z.string().exactOptional(),
    })
    .exactOptional(),
});

/**
 * The bus of a service in a process of its own, from its settings (those of
 * `readEnv('RRD_BUS_')`, say). It has to be NATS: the in-process bus ends
 * where the process ends.
 * @throws ConfigInvalidError
 */
export function toSharedBus(
  settings: object,
  source = 'environment (RRD_BUS_*)',
): NatsSettings & { readonly kind: 'nats' } {
  if (!('servers' in settings)) {
    throw new ConfigInvalidError({
      source,
      line: 0,
      field: 'servers',
      value: 'missing',
      expected:
        'host:port of a nats-server with JetStream; services in processes of' +
        ' their own cannot share the in-process bus',
    });
  }
  const { servers, ...rest } = parseConfig(schema, settings, source);
  return { kind: 'nats', servers: servers.split(',').map(trim), ...rest };
}

const trim = (text: string) => text.trim();
