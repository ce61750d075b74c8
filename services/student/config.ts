import { hostname } from 'node:os';
import { z } from 'zod';
import { engineChoices } from '#runtime/compute/engine.js';
import { countSetting, parseConfig, waitMsSetting } from '#runtime/config.js';
import { addressesSetting } from '#runtime/rpc/addresses.js';
import { clientTlsSchema, listenSchema } from '#runtime/rpc/config.js';
import { teacherProtocols } from './teacher-client.js';

const address = z.string().min(1);

const schema = z.strictObject({
  /** Who takes the runs; unique among the workers of one bus. */
  worker: z.string().min(1).max(256).default(`${hostname()}-${process.pid}`),
  listen: listenSchema,
  /** `host:port` for other workers; where it listens, without it. */
  advertise: address.optional(),
  /** Its replicas; runs that need a teacher fail without it. */
  teacher: addressesSetting.optional(),
  /** What they speak: our own contract, or that of KServe and Triton. */
  teacherProtocol: z.enum(teacherProtocols).default('rrd'),
  /** Of kserve only: names of the model's outputs, and samples in a call. */
  kserve: z
    .strictObject({
      features: z.string().min(1).default('features'),
      logits: z.string().min(1).default('logits'),
      maxBatchSize: countSetting.default(128),
    })
    .prefault({}),
  /** `host:port`; runs that need a queue fail without it. */
  memoryBank: address.optional(),
  /** How teacher and bank are trusted; plaintext without. */
  tls: clientTlsSchema,
  /** The engine of runs that say `auto`. */
  engine: z.enum(engineChoices).default('auto'),
  /** What a run may ask of its GPU; what nvidia-smi says of the first without. */
  gpuMemoryGiB: z.coerce.number().nonnegative().optional(),
  /** Data sets by name: `folder:/path`, `cifar10:/path`, `cifar100:/path`. */
  datasets: z.record(z.string(), z.string()).default({}),
  /** Runs leave configuration, measurements and checkpoints below it. */
  runsDir: z.string().default('runs'),
  /** A folder or `s3://bucket/prefix` for the checkpoints, instead. */
  checkpoints: z.string().min(1).optional(),
  /** Runs, held or joined, after which it ends, as a Job's does; 0: never. */
  maxRuns: z.coerce.number().int().nonnegative().default(0),
  /** Checkpoints that a run keeps. */
  keepCheckpoints: countSetting.default(2),
  /** The longest silence towards the orchestrator while a run is held. */
  heartbeatMs: waitMsSetting.default(1_000),
  /** The shortest time between two reports of progress. */
  progressMs: waitMsSetting.default(250),
  /** Unheard for so long, a run is taken away: then it stops by itself. */
  leaseMs: waitMsSetting.default(9_000),
  /** How long a run may take to its checkpoint when the worker is to leave. */
  releaseMs: waitMsSetting.default(20_000),
  /** Of runs whose ranks several workers share. */
  group: z
    .strictObject({
      /** How long a run waits for its workers before its first step. */
      joinMs: waitMsSetting.default(10_000),
      /** How long a worker may take to load the state that it is dealt. */
      readyMs: waitMsSetting.default(60_000),
      /** Steps between two comparisons of all workers' weights. */
      digestEverySteps: countSetting.default(100),
    })
    .prefault({}),
  deadlines: z
    .strictObject({
      /** A teacher may have to load its model and data set first. */
      describeMs: waitMsSetting.default(120_000),
      /** One batch of the teacher, through all retries. */
      extractMs: waitMsSetting.default(30_000),
      /** One batch at one of several replicas; then the next is asked. */
      extractAttemptMs: waitMsSetting.default(10_000),
      /** A queue to be made or brought back by a bank that is there. */
      bankPrepareMs: waitMsSetting.default(300_000),
      /** Any call of the bank, through all retries. */
      bankMs: waitMsSetting.default(15_000),
      /** The commit of a step whose rows the bank has acknowledged. */
      commitMs: waitMsSetting.default(15_000),
      /** One step, evaluation or checkpoint of the training thread. */
      computeMs: waitMsSetting.default(1_800_000),
    })
    .prefault({}),
});

/** A student worker's settings: total, checked and frozen. */
export type StudentConfig = Readonly<z.output<typeof schema>>;
export type StudentSettings = z.input<typeof schema>;

/** @throws ConfigInvalidError */
export function toConfig(
  settings: unknown = {},
  source = 'student settings',
): StudentConfig {
  return Object.freeze(parseConfig(schema, settings, source));
}
