import type { Bus } from '#runtime/bus/bus.js';
import type { Handlers } from '#runtime/rpc/server.js';
import type { RunStore } from './run-store.js';
import type { Scheduler } from './scheduler.js';

/** What every route of the orchestrator works with. */
export interface Context {
  readonly store: RunStore;
  readonly scheduler: Scheduler;
  readonly bus: Bus;
  /** Absence of the bus that its watchers put up with. */
  readonly leaseMs: number;
}

export type Routes = Handlers<'rrd.v1.OrchestratorService'>;
