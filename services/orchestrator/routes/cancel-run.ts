import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.CancelRun. */
export const cancelRun =
  ({ scheduler, store }: Context): Routes['cancelRun'] =>
  async ({ runId }) => ({
    run: toWireRun(await scheduler.request(runId, 'cancel'), store),
  });
