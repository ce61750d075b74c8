import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.WatchRun. */
export const watchRun = ({ store }: Context): Routes['watchRun'] =>
  async function* ({ runId }, { signal }) {
    for await (const record of store.watch(runId, signal)) {
      yield { run: toWireRun(record) };
    }
  };
