import { z } from 'zod';
import {
  runFailureSchema,
  runProgressSchema,
  runResultSchema,
} from '#runtime/bus/run-events.js';

export type {
  RunEvent,
  RunFailure,
  StopRequest,
} from '#runtime/bus/run-events.js';

export const runPhases = [
  'pending',
  'preparing',
  'running',
  'evaluating',
  'succeeded',
  'failed',
  'cancelled',
  'paused',
  'resuming',
] as const;

export type RunPhase = (typeof runPhases)[number];

const count = z.number().int().nonnegative();

/** What the orchestrator knows of a run; phases as in proto/rrd/v1/run.proto. */
export const runRecordSchema = z.object({
  runId: z.string(),
  phase: z.enum(runPhases),
  /** As resolved at submission, all defaults filled in. */
  experiment: z.record(z.string(), z.json()),
  /** Numbers the owners that the run was offered to; see attempt-floor.ts. */
  attempt: count.min(1),
  /** Who owns the run; empty while nobody does. */
  worker: z.string(),
  /** A user wants it stopped; its worker has not said yet that it did. */
  cancelRequested: z.boolean(),
  /** A user wants it paused; its worker has not let go yet. */
  pauseRequested: z.boolean().default(false),
  /** Workers lost, and failures that passed, since a user last had it go on. */
  retries: count.default(0),
  /** It is offered to nobody before; milliseconds since the Unix epoch. */
  notBeforeMs: count.default(0),
  /** Offers since it began to wait that workers passed on. */
  declines: count.default(0),
  /** Of the first of them; milliseconds since the Unix epoch. */
  declinedMs: count.default(0),
  /** The highest goes first. */
  priority: z.number().int().default(0),
  /** Whose it is; empty where nobody said so. */
  user: z.string().default(''),
  /** Counts the changes of phase and owner: each is an event on the bus. */
  transitions: count.default(0),
  progress: runProgressSchema.exactOptional(),
  result: runResultSchema.exactOptional(),
  /** The newest: why it failed, or why it was offered again. */
  failure: runFailureSchema.exactOptional(),
  /** Milliseconds since the Unix epoch. */
  createdMs: count,
  updatedMs: count,
  /** Of the leader that wrote it; see leadership.ts. */
  epoch: count.default(0),
  /** Grows by one with every change. */
  revision: count,
  /** The last event of the bus that changed the record. */
  sequence: count,
});

export type RunRecord = Readonly<z.infer<typeof runRecordSchema>>;

const finalPhases: ReadonlySet<RunPhase> = new Set([
  'succeeded',
  'failed',
  'cancelled',
]);

export function isFinal({ phase }: Pick<RunRecord, 'phase'>): boolean {
  return finalPhases.has(phase);
}

/** Nobody works on it, and somebody should. */
export function isWaiting({ phase }: Pick<RunRecord, 'phase'>): boolean {
  return phase === 'pending' || phase === 'resuming';
}

/** A worker has it. */
export function isHeld(record: Pick<RunRecord, 'phase'>): boolean {
  return !isFinal(record) && !isWaiting(record) && record.phase !== 'paused';
}
