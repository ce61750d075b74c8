import { NotLeaderError, ServiceUnavailableError } from '#runtime/errors.js';
import {
  connect,
  type CallOptions,
  type ClientTls,
} from '#runtime/rpc/client.js';
import type { Call } from '#runtime/rpc/contract.js';
import type { Routes } from './context.js';
import type { Desk } from './term.js';

/** Of calls whose caller has none; the leader may have to wait for its bus. */
const longestCallMs = 30_000;

/**
 * What a standby answers: what the leader does. A call goes on from standby to
 * standby only towards newer epochs, so it comes to an end.
 */
export function forwardingDesk(leader: string, tls?: ClientTls): Desk {
  const client = connect('rrd.v1.OrchestratorService', leader, { tls });
  const asked = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      throw unreached(leader, error);
    });
  const routes: Routes = {
    submitRun: (request, call) =>
      asked(client.submitRun(request, within(call))),
    getRun: (request, call) => asked(client.getRun(request, within(call))),
    listRuns: (request, call) => asked(client.listRuns(request, within(call))),
    watchRun: async function* (request, { signal }) {
      try {
        yield* client.watchRun(request, { signal });
      } catch (error) {
        throw unreached(leader, error);
      }
    },
    cancelRun: (request, call) =>
      asked(client.cancelRun(request, within(call))),
    pauseRun: (request, call) => asked(client.pauseRun(request, within(call))),
    resumeRun: (request, call) =>
      asked(client.resumeRun(request, within(call))),
  };
  return {
    routes,
    close: () => Promise.resolve(client.close()),
  };
}

/** A leader that does not answer is none for much longer. */
function unreached(leader: string, error: unknown): unknown {
  const isAway =
    error instanceof ServiceUnavailableError &&
    error.metadata.address === leader;
  return isAway ? new NotLeaderError({ leader }, { cause: error }) : error;
}

/** Refuses all calls, for as long as nobody can answer them. */
export function refusingDesk(why: () => Error): Desk {
  const refuse = () => Promise.reject(why());
  return {
    routes: {
      submitRun: refuse,
      getRun: refuse,
      listRuns: refuse,
      watchRun: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
      cancelRun: refuse,
      pauseRun: refuse,
      resumeRun: refuse,
    },
    close: () => Promise.resolve(),
  };
}

function within({ signal, deadlineMs }: Call): CallOptions {
  return { signal, deadlineMs: Math.min(deadlineMs, longestCallMs) };
}
