import { z } from 'zod';

/** Settings that every service has; coerced, since the environment has only texts. */

const path = z.string().min(1);

/** Where a service listens (`ListenOptions`): loopback by default. */
export const listenSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.coerce.number().int().min(0).max(65535).default(0),
    tls: z
      .strictObject({
        certPath: path,
        keyPath: path,
        caPath: path.optional(),
        accessPath: path.optional(),
      })
      .refine(({ caPath, accessPath }) => !accessPath || caPath, {
        path: ['accessPath'],
        error: 'a caPath beside it: callers without certificates have no names',
      })
      .optional(),
    insecurePlaintext: z.union([z.boolean(), z.stringbool()]).default(false),
  })
  .prefault({});

/** How a client trusts and shows itself (`ClientTls`); plaintext without. */
export const clientTlsSchema = z
  .strictObject({
    caPath: path,
    certPath: path.optional(),
    keyPath: path.optional(),
    serverName: z.string().optional(),
  })
  .optional();
