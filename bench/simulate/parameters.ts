import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const positive = z.number().positive();
const cost = z.number().nonnegative();

/** What a message costs the thread of a process at each end. */
const messaging = z.strictObject({
  messageMs: cost,
  /** Of every MiB in it. */
  mebibyteMs: cost,
});

/**
 * What the parts of a run cost. Processor time is in ms of one core (of one
 * GPU, where that computes); a process on `threads` cores is that much faster.
 */
export const parametersSchema = z.strictObject({
  student: z.strictObject({
    /** A whole step of a run of one rank. */
    stepMs: positive,
    /** One rank's first half, where a run has several. */
    gradientsMs: positive,
    /** The second half, once for each worker. */
    applyMs: cost,
    threads: positive,
    /** The gradients and measurements of a rank, and its buffers. */
    vectorMebibytes: positive,
    buffersMebibytes: cost,
  }),
  teacher: z.strictObject({
    /** A request of one rank's samples. */
    batchMs: cost,
    threads: positive,
  }),
  bank: z.strictObject({
    /** Taking in one rank's rows. */
    enqueueMs: cost,
    /** One step's rows to one subscriber, besides what its bytes cost. */
    fanOutMs: cost,
  }),
  message: messaging,
  /** A rank's embeddings of one step: in the answer, and in the bank. */
  rowsMebibytes: positive,
  prefetch: z.number().int().positive(),
  network: z.strictObject({
    /** Each machine's, in both directions; without it, no limit. */
    mebibytesPerSecond: positive.optional(),
    latencyMs: cost,
  }),
  /** Of each machine. */
  cores: positive,
});

export type Parameters = z.infer<typeof parametersSchema>;

/** What a step's time goes into. */
export const parts = [
  'student',
  'teacher',
  'bank',
  'bank uplink',
  'all-reduce',
] as const;
export type Part = (typeof parts)[number];

/** How many of everything. */
export interface Load {
  readonly students: number;
  /** That share a run: 1 where all students are independent. */
  readonly ranksPerRun: number;
  readonly teachers: number;
  /** All processes on one machine, instead of each on its own. */
  readonly oneMachine?: boolean;
}

/** @throws if the file is not what `parametersSchema` describes */
export function readParameters(path: string): Parameters {
  return parametersSchema.parse(parse(readFileSync(path, 'utf8')));
}
