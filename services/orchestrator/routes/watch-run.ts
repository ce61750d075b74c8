import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.WatchRun. */
export const watchRun = ({ store, ended }: Context): Routes['watchRun'] =>
  async function* ({ runId }, { signal }) {
    const either = AbortSignal.any([signal, ended]);
    for await (const record of store.watch(runId, either)) {
      yield { run: toWireRun(record, store) };
    }
    ended.throwIfAborted();
  };
