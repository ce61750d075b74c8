import { z } from 'zod';
import { countSetting, parseConfig, waitMsSetting } from '#runtime/config.js';
import { listenSchema } from '#runtime/rpc/config.js';

const MiB = 2 ** 20;

const schema = z
  .strictObject({
    listen: listenSchema,
    /** Bytes of all queues' rows and of snapshots being read. */
    maxBytes: countSetting.default(1024 * MiB),
    maxQueues: countSetting.default(256),
    /** Runs that may feed one queue. */
    maxRuns: countSetting.default(16),
    /** Steps of a run that may be in, counted from the next to be committed. */
    maxPendingSteps: countSetting.default(128),
    /** Bytes of a run's rows that wait for an earlier step. */
    maxPendingBytes: countSetting.default(128 * MiB),
    /** Committed steps whose batches are recognised when they are sent again. */
    rememberedSteps: countSetting.default(1024),
    /** Bytes of commits that each queue keeps for its subscribers. */
    historyBytes: countSetting.default(32 * MiB),
    /** The longest silence of a subscription. */
    heartbeatMs: waitMsSetting.default(2_000),
    /** How long running calls may go on when the service closes. */
    drainMs: waitMsSetting.default(5_000),
  })
  .refine((config) => config.rememberedSteps >= config.maxPendingSteps, {
    path: ['rememberedSteps'],
    message: 'at least maxPendingSteps: a writer may retry that far back',
  });

/** The bank's settings: total, checked and frozen. */
export type MemoryBankConfig = Readonly<z.output<typeof schema>>;
export type MemoryBankSettings = z.input<typeof schema>;

/** @throws ConfigInvalidError */
export function toConfig(
  settings: unknown = {},
  source = 'memory bank settings',
): MemoryBankConfig {
  return Object.freeze(parseConfig(schema, settings, source));
}
