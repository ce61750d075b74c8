import type { Bus } from '#runtime/bus/bus.js';
import { ServiceUnavailableError } from '#runtime/errors.js';
import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** See OrchestratorService.WatchRun. */
export const watchRun = ({
  store,
  bus,
  leaseMs,
}: Context): Routes['watchRun'] =>
  async function* ({ runId }, { signal }) {
    using absence = watchAbsence(bus, leaseMs);
    const either = AbortSignal.any([signal, absence.signal]);
    for await (const record of store.watch(runId, either)) {
      yield { run: toWireRun(record) };
    }
    absence.signal.throwIfAborted();
  };

/** A signal that aborts once the bus has been away for longer than `ms`. */
function watchAbsence(
  bus: Bus,
  ms: number,
): Disposable & { signal: AbortSignal } {
  const absence = new AbortController();
  const look = () => {
    const { connected, sinceMs } = bus.connection();
    const waitedMs = Date.now() - sinceMs;
    if (connected || waitedMs <= ms) return;
    const fields = { service: 'the bus', address: bus.kind, waitedMs };
    absence.abort(new ServiceUnavailableError(fields));
  };
  const timer = setInterval(look, ms / 4);
  return {
    signal: absence.signal,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
