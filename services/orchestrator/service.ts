import type { Bus } from '#runtime/bus/bus.js';
import { runsBucket } from '#runtime/bus/subjects.js';
import type { Logger } from '#runtime/logger.js';
import { startServer } from '#runtime/rpc/server.js';
import type { RunningService } from '#runtime/service.js';
import type { OrchestratorConfig } from './config.js';
import type { Context, Routes } from './context.js';
import { createEvents } from './events.js';
import {
  followClock,
  followDrops,
  followRuns,
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

const name = 'orchestrator';

/**
 * Starts an orchestrator on the runs that the bus has records of. Only one at
 * a time may run on a bus. The bus stays open when the service closes.
 */
export async function startOrchestrator(
  config: OrchestratorConfig,
  { bus, log }: { bus: Bus; log: Logger },
): Promise<RunningService> {
  const events = createEvents(log);
  const store = await RunStore.open(await bus.records(runsBucket), (key) =>
    events.malformedRecord(key),
  );
  const scheduler = new Scheduler({
    bus,
    store,
    events,
    settings: config,
    now: Date.now,
  });
  await scheduler.announceAll();
  const stopFollowing = follow({ bus, scheduler, events }, store, config);
  const stopObserving = events.observe(store);
  events.recovered(store.size, store.live().length);
  const close = async () => {
    stopObserving();
    await stopFollowing();
    await scheduler.settled();
  };
  try {
    const server = await startServer({
      name,
      log,
      listen: config.listen,
      handlers: {
        'rrd.v1.OrchestratorService': routes({
          ...{ store, scheduler, bus },
          leaseMs: config.leaseMs,
        }),
      },
    });
    return {
      name,
      address: server.address,
      async close() {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function follow(
  followed: Followed,
  store: RunStore,
  { leaseMs, claimTimeoutMs }: OrchestratorConfig,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const tickMs = Math.min(1_000, leaseMs / 4, claimTimeoutMs / 4);
  const following = Promise.all([
    followRuns(followed, startAfter(store.live()), signal),
    followDrops(followed, signal),
    followClock(followed, tickMs, signal),
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
