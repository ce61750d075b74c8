import { z } from 'zod';
import { parseConfig } from '#runtime/config.js';

const count = z.coerce.number().int().positive();
const flag = z.union([z.boolean(), z.stringbool()]);

const schema = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.coerce.number().int().min(0).max(65535).default(0),
      tls: z
        .strictObject({
          certPath: z.string(),
          keyPath: z.string(),
          caPath: z.string().optional(),
        })
        .optional(),
      insecurePlaintext: flag.default(false),
    })
    .prefault({}),
  /** How long the worker of a run may be silent before it loses the run. */
  leaseMs: count.default(10_000),
  /** Workers that a run may lose before it fails. */
  maxAttempts: count.default(3),
  /** How long a run waits for a worker while none is heard at all. */
  claimTimeoutMs: count.default(60_000),
  /** Runs kept; beyond it the oldest that have ended are forgotten. */
  maxRuns: count.max(1_000).default(1_000),
});

/** The orchestrator's settings: total, checked and frozen. */
export type OrchestratorConfig = Readonly<z.output<typeof schema>>;
export type OrchestratorSettings = z.input<typeof schema>;

/** @throws ConfigInvalidError */
export function toConfig(
  settings: unknown = {},
  source = 'orchestrator settings',
): OrchestratorConfig {
  return Object.freeze(parseConfig(schema, settings, source));
}
