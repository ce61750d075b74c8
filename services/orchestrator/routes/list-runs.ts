import type { Context, Routes } from '../context.js';
import { toWireRuns } from '../wire.js';

/** See OrchestratorService.ListRuns; the store holds no more than it tells. */
export const listRuns =
  ({ store }: Context): Routes['listRuns'] =>
  async () => ({ runs: toWireRuns(store.list(), store) });
