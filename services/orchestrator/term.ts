import type { Bus } from '#runtime/bus/bus.js';
import { attemptsBucket, runsBucket } from '#runtime/bus/subjects.js';
import { AttemptFloor } from './attempt-floor.js';
import type { OrchestratorConfig } from './config.js';
import type { Context, Routes } from './context.js';
import type { OrchestratorEvents } from './events.js';
import { fenced, type Lease } from './fenced-bus.js';
import {
  followClock,
  followDrops,
  followRuns,
  followStrays,
  startAfter,
  type Followed,
} from './followers.js';
import { cancelRun } from './routes/cancel-run.js';
import { getRun } from './routes/get-run.js';
import { listRuns } from './routes/list-runs.js';
import { pauseRun } from './routes/pause-run.js';
import { resumeRun } from './routes/resume-run.js';
import { submitRun } from './routes/submit-run.js';
import { watchRun } from './routes/watch-run.js';
import { RunStore } from './run-store.js';
import { Scheduler } from './scheduler.js';

/** What answers calls for a while. */
export interface Desk {
  readonly routes: Routes;
  /** @param reason for those who still wait for something */
  close(reason: Error): Promise<void>;
}

export interface TermOptions {
  readonly bus: Bus;
  readonly config: OrchestratorConfig;
  readonly events: OrchestratorEvents;
  readonly lease: Lease;
}

/**
 * The work of a leader, for as long as it has the lease: takes over the runs
 * that the bus has records of, hears what workers say, answers users.
 * @throws ServiceUnavailableError, NotLeaderError
 */
export async function startTerm(options: TermOptions): Promise<Desk> {
  const { config, events, lease } = options;
  const bus = fenced(options.bus, lease);
  const { epoch } = lease;
  const onMalformed = (key: string) => events.malformedRecord(key);
  const records = await bus.records(runsBucket);
  const store = await RunStore.open(records, epoch, onMalformed);
  // Behind the runs: whichever of them are gone by now are below it.
  const floor = await AttemptFloor.open(await bus.records(attemptsBucket));
  const scheduler = new Scheduler({
    ...{ bus, store, floor, events, epoch },
    settings: config,
    now: Date.now,
  });
  await scheduler.announceAll();
  const stopFollowing = follow({ bus, scheduler, events }, store, config);
  const stopObserving = events.observe(store);
  events.recovered(store.size, store.live().length);
  const end = new AbortController();
  return {
    routes: routes({ store, scheduler, ended: end.signal }),
    async close(reason) {
      end.abort(reason);
      stopObserving();
      await stopFollowing();
      await scheduler.settled();
    },
  };
}

function follow(
  followed: Followed,
  store: RunStore,
  { leaseMs, claimTimeoutMs, leader }: OrchestratorConfig,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const tickMs = Math.min(1_000, leaseMs / 4, claimTimeoutMs / 4);
  const following = Promise.all([
    followRuns(followed, startAfter(store.live()), signal),
    followDrops(followed, signal),
    followClock(followed, tickMs, signal),
    followStrays(followed, leader.leaseMs, signal),
  ]);
  return async () => {
    stopping.abort();
    await following;
  };
}

function routes(context: Context): Routes {
  return {
    submitRun: submitRun(context),
    getRun: getRun(context),
    listRuns: listRuns(context),
    watchRun: watchRun(context),
    cancelRun: cancelRun(context),
    pauseRun: pauseRun(context),
    resumeRun: resumeRun(context),
  };
}
