import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.PauseRun. */
export const pauseRun =
  ({ scheduler, store }: Context): Routes['pauseRun'] =>
  async ({ runId }) => ({
    run: toWireRun(await scheduler.request(runId, 'pause'), store),
  });
