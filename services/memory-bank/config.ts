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
    /** Where queues are kept; without it they live and die in memory. */
    dataDir: z.string().min(1).optional(),
    /**
     * When a batch counts as kept: `always`: when the disk says that it has
     * it (survives a power cut); `interval`: when the system has it, which is
     * told to write every 100 ms; `never`: likewise, and left to itself. The
     * last two survive the end of the process, not that of the machine.
     */
    fsync: z.enum(['always', 'interval', 'never']).default('always'),
    /** A queue's log is folded into its rows when it is longer. */
    logBytes: countSetting.default(64 * MiB),
    /**
     * A queue that nobody feeds or reads for so long is freed; without it,
     * none is.
     */
    retentionMs: countSetting.optional(),
    /** The longest silence of a subscription. */
    heartbeatMs: waitMsSetting.default(2_000),
    /** Between two looks at the queues' health; alarms come with them. */
    healthMs: waitMsSetting.default(30_000),
    /** What a queue is alarming beyond; see QueueHealth. */
    alarms: z
      .strictObject({
        duplicateRate: z.coerce.number().min(0).max(1).default(0.5),
        effectiveRank: z.coerce.number().nonnegative().default(2),
        similarityEntropy: z.coerce.number().min(0).max(1).default(0.9999),
        readerLagVersions: countSetting.default(1000),
      })
      .prefault({}),
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
