import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, StartAt } from '#runtime/bus/bus.js';
import {
  runEvents,
  runWorkSchema,
  type ReceivedRunEvent,
} from '#runtime/bus/run-events.js';
import { runsQueue, subjects } from '#runtime/bus/subjects.js';
import { NotLeaderError } from '#runtime/errors.js';
import type { OrchestratorEvents } from './events.js';
import type { RunRecord } from './run-record.js';
import { mayHaveHappened } from './run-store.js';
import type { Scheduler } from './scheduler.js';

export interface Followed {
  readonly bus: Bus;
  readonly scheduler: Scheduler;
  readonly events: OrchestratorEvents;
}

const retryMs = 500;

/** Where to read on after a restart, so that no live run misses an event. */
export function startAfter(live: readonly RunRecord[]): StartAt {
  if (live.length === 0) return 'now';
  return { after: Math.min(...live.map(({ sequence }) => sequence)) };
}

/** Brings what workers say to the scheduler, until `signal` aborts. */
export async function followRuns(
  { bus, scheduler, events }: Followed,
  start: StartAt,
  signal: AbortSignal,
): Promise<void> {
  let from = start;
  await persistently(events, 'reading events', signal, async () => {
    const source = runEvents(bus, undefined, { from, signal });
    // Should reading fail before the first event, none may be missed.
    if (from === 'now') from = 'start';
    for await (const received of source) {
      await hear(received);
      from = { after: received.sequence };
    }
  });

  async function hear({ runId, sequence, event, problem }: ReceivedRunEvent) {
    if (!event) return events.malformedEvent(runId, problem ?? '');
    try {
      await scheduler.hear(runId, event, sequence);
    } catch (error) {
      // One that can be stored later, or by the next leader, is read again.
      const isLater = error instanceof NotLeaderError;
      if (isLater || mayHaveHappened(error)) throw error;
      events.eventRefused(runId, error);
    }
  }
}

/** Tells the scheduler which attempts the work queue gave up. */
export async function followDrops(
  { bus, scheduler, events }: Followed,
  signal: AbortSignal,
): Promise<void> {
  const pattern = subjects.dropped(runsQueue);
  await persistently(events, 'reading dropped work', signal, async () => {
    const drops = bus.subscribe(pattern, { from: 'start', signal });
    for await (const { data } of drops) {
      const work = runWorkSchema.safeParse(data['work']).data;
      if (work) await scheduler.drop(work.runId, work.attempt);
    }
  });
}

/** Lets the scheduler look at the clock. */
export async function followClock(
  { scheduler, events }: Followed,
  tickMs: number,
  signal: AbortSignal,
): Promise<void> {
  await persistently(events, 'judging silence', signal, async () => {
    while (!signal.aborted) {
      await scheduler.tick();
      await pause(tickMs, signal);
    }
  });
}

/** Looks now and then for runs that are not known. */
export async function followStrays(
  { scheduler, events }: Followed,
  pauseMs: number,
  signal: AbortSignal,
): Promise<void> {
  await persistently(events, 'looking for runs', signal, async () => {
    while (!signal.aborted) {
      await pause(pauseMs, signal);
      if (!signal.aborted) await scheduler.adopt();
    }
  });
}

/** Starts `work` again after an error, until `signal` aborts. */
async function persistently(
  events: OrchestratorEvents,
  doing: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      events.interrupted(doing, error);
    }
    await pause(retryMs, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
