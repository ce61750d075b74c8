import type { Bus } from '#runtime/bus/bus.js';
import {
  runEvents,
  runTransitionSchema,
  type RunWork,
} from '#runtime/bus/run-events.js';
import { subjects } from '#runtime/bus/subjects.js';

type Held = Pick<RunWork, 'runId' | 'attempt'>;

export interface HeldPatience {
  readonly bus: Bus;
  /** Nobody holds a run and is silent for so long. */
  readonly leaseMs: number;
  readonly signal: AbortSignal;
}

/** Events behind which nobody holds a run under the same attempt. */
const ends = /^(succeeded|failed|cancelled|declined|released)$/;
/** Likewise phases; a run that goes on from there has another attempt. */
const endPhases = /^(succeeded|failed|cancelled|paused)$/;

/**
 * Whether a worker holds a run under this attempt. It does if it says so; it
 * does not if the bus has been told so already, or if nothing is said within a
 * lease, or by `signal`.
 */
export async function isHeld(
  held: Held,
  { bus, leaseMs, signal }: HeldPatience,
): Promise<boolean> {
  const known = new AbortController();
  const either = AbortSignal.any([
    AbortSignal.timeout(leaseMs),
    signal,
    known.signal,
  ]);
  try {
    const answers = [itsWord(held, bus, either), itsEnd(held, bus, either)];
    return await Promise.race(answers);
  } finally {
    known.abort();
  }
}

/** What its holder says next. */
async function itsWord(
  { runId, attempt }: Held,
  bus: Bus,
  signal: AbortSignal,
): Promise<boolean> {
  const events = runEvents(bus, runId, { from: 'now', signal });
  for await (const { event } of events) {
    if (event?.attempt === attempt) return !ends.test(event.type);
  }
  return false;
}

/** False once the orchestrator has told that it is over. */
async function itsEnd(
  { runId, attempt }: Held,
  bus: Bus,
  signal: AbortSignal,
): Promise<false> {
  const pattern = subjects.runTransition(runId);
  const events = bus.subscribe(pattern, { from: 'start', signal });
  for await (const { data: told } of events) {
    const { data } = runTransitionSchema.safeParse(told);
    if (!data || data.attempt < attempt) continue;
    if (data.attempt > attempt || endPhases.test(data.phase)) return false;
  }
  return false;
}
