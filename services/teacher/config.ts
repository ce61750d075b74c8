import { z } from 'zod';
import { convPrecisions } from '#distill/ops/autocast.js';
import { engineChoices } from '#runtime/compute/engine.js';
import {
  countSetting,
  listSetting,
  parseConfig,
  waitMsSetting,
} from '#runtime/config.js';
import { listenSchema } from '#runtime/rpc/config.js';

/** Bytes, or none. */
const sizeSetting = z.coerce.number().int().nonnegative();

const fields = z.strictObject({
  listen: listenSchema,
  /** Each folder in it is a model: a checkpoint with its manifest. */
  modelsDir: z.string().min(1).default('models'),
  /** `auto`: the fastest engine that can run here. */
  engine: z.enum(engineChoices).default('auto'),
  /** Of the convolutions of networks of ours: see docs/engines.md. */
  precision: z.enum(convPrecisions).default('float32'),
  /** Data sets by name: `folder:/path`, `imagenet:/path`, ... (docs/data.md). */
  datasets: z.record(z.string(), z.string()).default({}),
  /** The most samples of one request, and of one batch of several requests. */
  maxBatchSize: countSetting.max(4096).default(128),
  /** A batch that is exactly so large waits for nobody. */
  preferredBatchSizes: listSetting(countSetting).default([]),
  /** How long a request waits for others to share its batch. */
  maxQueueDelayMs: z.coerce.number().nonnegative().default(2),
  /** Requests that may wait for one model; one more is refused. */
  maxQueuedRequests: countSetting.default(256),
  /** Threads of each model: batches of it that are computed at a time. */
  instances: countSetting.max(64).default(1),
  /** Requests of one stream that are computed at a time. */
  streamCredits: countSetting.max(1024).default(8),
  /** Models held at a time; the one unused for longest makes way. */
  maxModels: countSetting.default(4),
  /** Outputs are kept, so that no image is computed twice. */
  cache: z
    .strictObject({
      /** In memory; 0 and no `dir`: nothing is kept. */
      memoryBytes: sizeSetting.default(256 * 2 ** 20),
      /** Also kept there, for later processes. */
      dir: z.string().min(1).optional(),
      diskBytes: countSetting.default(4 * 2 ** 30),
    })
    .prefault({}),
  /** Models loaded before the service listens; without one it does not start. */
  preload: listSetting(z.string().min(1)).default([]),
  /** How long loading a model may take. */
  loadMs: waitMsSetting.default(60_000),
});

const schema = fields
  .refine(
    ({ preferredBatchSizes, maxBatchSize }) =>
      preferredBatchSizes.every((size) => size <= maxBatchSize),
    { path: ['preferredBatchSizes'], error: 'sizes up to maxBatchSize' },
  )
  .refine(({ preload, maxModels }) => preload.length <= maxModels, {
    ...{ path: ['preload'], error: 'at most maxModels names' },
  });

/** The teacher's settings: total, checked and frozen. */
export type TeacherConfig = Readonly<z.output<typeof schema>>;
export type TeacherSettings = z.input<typeof schema>;

/** @throws ConfigInvalidError */
export function toConfig(
  settings: TeacherSettings,
  source = 'teacher settings',
): TeacherConfig {
  return Object.freeze(parseConfig(schema, settings, source));
}
