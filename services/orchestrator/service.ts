import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Bus } from '#runtime/bus/bus.js';
import { leaderBucket } from '#runtime/bus/subjects.js';
import type { Logger } from '#runtime/logger.js';
import { ownAddress } from '#runtime/rpc/own-address.js';
import { systemClock } from '#runtime/rpc/retry.js';
import { startServer } from '#runtime/rpc/server.js';
import type { RunningService } from '#runtime/service.js';
import type { OrchestratorConfig } from './config.js';
import type { Routes } from './context.js';
import { Elector } from './elector.js';
import { createEvents } from './events.js';
import { FrontDesk } from './front-desk.js';

const name = 'orchestrator';
const service = 'rrd.v1.OrchestratorService';

/**
 * Starts an orchestrator. Of all that are on a bus, the one that has the lease
 * owns the runs; the others answer with what it says, and one of them takes
 * over when it is gone. The bus stays open when the service closes.
 * @throws ServiceUnavailableError
 */
export async function startOrchestrator(
  config: OrchestratorConfig,
  { bus, log }: { bus: Bus; log: Logger },
): Promise<RunningService> {
  const events = createEvents(log);
  const records = await bus.records(leaderBucket);
  const server = await startServer({
    ...{ name, log, listen: config.listen },
    handlers: { [service]: routes(() => desk.routes) },
  });
  const address = config.advertise ?? ownAddress(server.address);
  const holder = `${hostname()}-${process.pid}-${randomUUID()}`;
  const desk = new FrontDesk({
    ...{ bus, config, events, address },
    holds: (epoch) => elector.holds(epoch),
    prove: (epoch) => elector.prove(epoch),
    resign: (epoch) => elector.resign(epoch),
    onServing: (isServing) => server.setServing(service, isServing),
  });
  const elector = new Elector({
    records,
    candidate: { holder, address, leaseMs: config.leader.leaseMs },
    clock: systemClock,
    onChange: (state) => desk.change(state),
    onInterrupted: (error) => events.interrupted('electing', error),
  });
  await elector.start();
  await desk.settled();
  return {
    ...{ name, address: server.address },
    async close() {
      await server.close();
      await desk.close();
      await elector.close();
    },
  };
}

/** Asks anew at every call who answers. */
function routes(now: () => Routes): Routes {
  return {
    submitRun: (request, call) => now().submitRun(request, call),
    getRun: (request, call) => now().getRun(request, call),
    listRuns: (request, call) => now().listRuns(request, call),
    watchRun: (request, call) => now().watchRun(request, call),
    cancelRun: (request, call) => now().cancelRun(request, call),
    pauseRun: (request, call) => now().pauseRun(request, call),
    resumeRun: (request, call) => now().resumeRun(request, call),
  };
}
