import type { Handlers } from '#runtime/rpc/server.js';
import type { RunStore } from './run-store.js';
import type { Scheduler } from './scheduler.js';

/** What every route of the orchestrator works with. */
export interface Context {
  readonly store: RunStore;
  readonly scheduler: Scheduler;
  /** Aborts when this process leads no more. */
  readonly ended: AbortSignal;
}

export type Routes = Handlers<'rrd.v1.OrchestratorService'>;
