import { z } from 'zod';
import type { Bus, BusEvent, JsonObject, StartAt } from './bus.js';
import { runIdOf, subjects } from './subjects.js';

/**
 * What workers and the orchestrator say to each other about runs. Meanings are
 * those of proto/rrd/v1/run.proto. What comes from a bus is parsed, never
 * believed.
 *
 * A worker takes a `RunWork`, publishes `claimed` (or `declined`), ends the item, and from
 * then on publishes at least one event every `heartbeatMs`; having nothing new
 * to say, it repeats its last one. `attempt` numbers the owners of a run: who
 * speaks for an older attempt, or second for the same one, is told to stop. A
 * run's name may be used again once the run is forgotten, its attempts never.
 */

const count = z.number().int().nonnegative();
const attempt = z.number().int().positive();

export const runProgressSchema = z.object({
  step: count,
  totalSteps: count,
  epoch: count,
  /** Total loss of `step`, and each weighted term of it by name. */
  loss: z.number(),
  lossTerms: z.record(z.string(), z.number()),
  imagesPerSecond: z.number(),
  learningRate: z.number(),
  /** Fraction of the test split classified rightly, once measured. */
  testAccuracy: z.number().exactOptional(),
});
export type RunProgress = z.infer<typeof runProgressSchema>;

export const runResultSchema = z.object({
  testAccuracy: z.number(),
  bestTestAccuracy: z.number(),
  /** Absent where the run has no teacher. */
  agreementWithTeacher: z.number().exactOptional(),
  imagesPerSecond: z.number(),
  steps: count,
  teacherBytes: count,
  bankBytes: count,
  bankVersions: count,
  engine: z.string(),
  /** Folder of the last checkpoint, as the worker sees it. */
  checkpoint: z.string(),
});
export type RunResult = z.infer<typeof runResultSchema>;

/** A `DomainError` as data. */
export const runFailureSchema = z.object({
  reason: z.string(),
  message: z.string(),
  metadata: z.record(z.string(), z.string()),
});
export type RunFailure = z.infer<typeof runFailureSchema>;

const from = { attempt, worker: z.string().min(1).max(256) };

export const runEventSchema = z.discriminatedUnion('type', [
  /** The run is mine; I connect to data, teacher and bank. */
  z.object({ type: z.literal('claimed'), ...from }),
  /** Steps are being taken. */
  z.object({ type: z.literal('running'), ...from }),
  z.object({
    type: z.literal('progress'),
    ...from,
    progress: runProgressSchema,
  }),
  /** The test split is being measured. */
  z.object({ type: z.literal('evaluating'), ...from }),
  z.object({ type: z.literal('succeeded'), ...from, result: runResultSchema }),
  z.object({ type: z.literal('failed'), ...from, failure: runFailureSchema }),
  /** Stopped because a stop request with reason `cancelled` came. */
  z.object({ type: z.literal('cancelled'), ...from }),
  /** Not taken: `failure` says what this worker lacks; another may have it. */
  z.object({ type: z.literal('declined'), ...from, failure: runFailureSchema }),
  /**
   * Let go: paused, or the worker leaves, and a checkpoint is written; or it
   * could not be taken off the queue, and nothing was done.
   */
  z.object({ type: z.literal('released'), ...from }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

/**
 * A run has changed its phase or owner, for whoever follows runs on the bus.
 * `transition` counts them from 1: one that is heard twice has the same number.
 */
export const runTransitionSchema = z.object({
  runId: z.string(),
  transition: z.number().int().positive(),
  /** As in proto/rrd/v1/run.proto, in small letters without the prefix. */
  phase: z.string(),
  attempt,
  /** Empty while nobody owns it. */
  worker: z.string(),
  /** Milliseconds since the Unix epoch. */
  atMs: count,
});
export type RunTransition = z.infer<typeof runTransitionSchema>;

/**
 * An item of the work queue `runs`; `experiment` is resolved. One with a
 * `chief` is no run of its own: the worker there (`host:port`) holds the run
 * and wants help with its ranks.
 */
export const runWorkSchema = z.object({
  runId: z.string(),
  attempt,
  experiment: z.record(z.string(), z.json()),
  /** Of the orchestrator that offers it: what older ones say is void. */
  epoch: count.exactOptional(),
  chief: z.string().min(1).max(256).exactOptional(),
});
export type RunWork = z.infer<typeof runWorkSchema>;

/**
 * Meant for workers that hold the run under `attempt` or an older one; where
 * `worker` is given, for that worker only; never from an orchestrator whose
 * epoch ended before the run was offered. Reason `cancelled`: stop and
 * publish `cancelled`. `paused`: finish the step, write a checkpoint, and
 * publish `released`. `lease-lost`: stop and say no more.
 */
export const stopRequestSchema = z.object({
  attempt,
  worker: z.string().exactOptional(),
  /** Of the orchestrator that asks. */
  epoch: count.exactOptional(),
  reason: z.enum(['cancelled', 'paused', 'lease-lost']),
});
export type StopRequest = z.infer<typeof stopRequestSchema>;

export interface ReceivedRunEvent {
  readonly runId: string;
  readonly sequence: number;
  /** Undefined where the event is not one of ours; `problem` says why. */
  readonly event: RunEvent | undefined;
  readonly problem?: string;
}

export function publishRunEvent(
  bus: Bus,
  runId: string,
  event: RunEvent,
): Promise<void> {
  return bus.publish(subjects.runEvent(runId), event satisfies JsonObject);
}

/** The events of one run, or of all; `now` is the moment of this call. */
export function runEvents(
  bus: Bus,
  runId: string | undefined,
  options: { from: StartAt; signal: AbortSignal },
): AsyncIterable<ReceivedRunEvent> {
  const pattern =
    runId === undefined ? subjects.everyRunEvent : subjects.runEvent(runId);
  return parsed(bus.subscribe(pattern, options));
}

async function* parsed(
  events: AsyncIterable<BusEvent>,
): AsyncGenerator<ReceivedRunEvent> {
  for await (const { subject, data, sequence } of events) {
    const result = runEventSchema.safeParse(data);
    yield {
      runId: runIdOf(subject) ?? '',
      sequence,
      event: result.data,
      ...(result.success ? {} : { problem: z.prettifyError(result.error) }),
    };
  }
}

/** A worker that holds a run, as it was offered to it. */
export interface RunHolder {
  readonly attempt: number;
  readonly worker: string;
  readonly epoch?: number | undefined;
}

/**
 * Stop requests that a worker has to obey, from the first stored one: one that
 * came before the worker took the run still counts.
 */
export async function* stopRequests(
  bus: Bus,
  runId: string,
  holder: RunHolder,
  signal: AbortSignal,
): AsyncGenerator<StopRequest> {
  const subject = subjects.runCancel(runId);
  for await (const { data } of bus.subscribe(subject, {
    from: 'start',
    signal,
  })) {
    const request = stopRequestSchema.safeParse(data).data;
    if (request && concerns(request, holder)) yield request;
  }
}

function concerns(request: StopRequest, holder: RunHolder): boolean {
  return (
    (request.epoch ?? 0) >= (holder.epoch ?? 0) &&
    request.attempt >= holder.attempt &&
    (request.worker === undefined || request.worker === holder.worker)
  );
}
