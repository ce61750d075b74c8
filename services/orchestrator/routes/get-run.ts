import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.GetRun. */
export const getRun =
  ({ store }: Context): Routes['getRun'] =>
  async ({ runId }) => ({ run: toWireRun(store.get(runId), store) });
