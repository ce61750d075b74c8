import { z } from 'zod';
import { countSetting, parseConfig, waitMsSetting } from '#runtime/config.js';
import { clientTlsSchema, listenSchema } from '#runtime/rpc/config.js';

const schema = z.strictObject({
  listen: listenSchema,
  /** `host:port` for the other orchestrators; where it listens, without it. */
  advertise: z.string().min(1).optional(),
  /** How the other orchestrators are trusted; plaintext without. */
  tls: clientTlsSchema,
  /** Of the lease of the one that owns the runs, of all that are on a bus. */
  leader: z
    .strictObject({
      /** Unheard for so long, it is one no more. */
      leaseMs: waitMsSetting.default(5_000),
    })
    .prefault({}),
  /** How long the worker of a run may be silent before it loses the run. */
  leaseMs: waitMsSetting.default(9_000),
  /** Workers that a run may lose before it fails. */
  maxAttempts: countSetting.default(3),
  /** How long a run waits for a worker while none is heard at all. */
  claimTimeoutMs: waitMsSetting.default(60_000),
  /** How long a run waits for a worker that has what it needs. */
  unableTimeoutMs: z.coerce.number().int().nonnegative().default(600_000),
  /** Runs that are worked on at a time; 0: as many as there are workers. */
  maxRunning: z.coerce.number().int().nonnegative().default(0),
  /** Likewise of one user; 0: no limit. */
  maxRunningPerUser: z.coerce.number().int().nonnegative().default(0),
  /** Runs that may wait. */
  maxQueued: countSetting.default(500),
  /** Runs kept; beyond it the oldest that have ended are forgotten. */
  maxRuns: countSetting.max(1_000).default(1_000),
  /** A run that ended so long ago is forgotten; 0: not before `maxRuns`. */
  finishedTtlMs: z.coerce.number().int().nonnegative().default(0),
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
