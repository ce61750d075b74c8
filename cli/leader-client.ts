import {
  DrainingError,
  NotLeaderError,
  ServiceUnavailableError,
} from '#runtime/errors.js';
import { areDiscovered, parseAddresses } from '#runtime/rpc/addresses.js';
import {
  connect,
  type ClientTls,
  type RpcClient,
} from '#runtime/rpc/client.js';
import { systemClock } from '#runtime/rpc/retry.js';

type Client = RpcClient<'rrd.v1.OrchestratorService'>;

/** Longer than a standby takes to lead, in which nobody answers. */
const patienceMs = 15_000;
const pauseMs = 200;

/** Whichever orchestrator answers. */
export interface LeaderClient {
  /** @param call harmless to repeat */
  ask<T>(call: (client: Client) => Promise<T>): Promise<T>;
  /** A stream that is opened again where one that went away has a successor. */
  follow<T>(
    open: (client: Client) => AsyncIterable<T>,
    signal?: AbortSignal,
  ): AsyncIterable<T>;
  close(): void;
}

/**
 * A client of all orchestrators of a bus. It waits for one to lead, and where
 * one of several (or one behind a name, which may have several) does not
 * answer, asks the next.
 * @param addresses `host:port` each, with commas
 */
export function openLeader(addresses: string, tls?: ClientTls): LeaderClient {
  const clients = addresses
    .split(',')
    .map((address) =>
      connect('rrd.v1.OrchestratorService', address.trim(), { tls }),
    );
  const mayMove = clients.length > 1 || hasName(addresses);
  let turn = 0;
  let isReached = false;
  const current = () => clients[turn % clients.length]!;

  /** Waits and turns to the next; throws what is to be told instead. */
  const recover = async (
    { error, sinceMs, tries }: Trouble,
    signal?: AbortSignal,
  ) => {
    const isBetween =
      error instanceof NotLeaderError || error instanceof DrainingError;
    const isGone = error instanceof ServiceUnavailableError && mayMove;
    isReached ||= isBetween;
    const isHopeless = !isReached && tries >= clients.length;
    const isLate = systemClock.now() - sinceMs > patienceMs;
    if (!(isBetween || isGone) || isHopeless || isLate) throw error;
    turn++;
    await systemClock.sleep(pauseMs, signal);
  };

  return {
    async ask(call) {
      const sinceMs = systemClock.now();
      for (let tries = 1; ; tries++) {
        try {
          const answer = await call(current());
          isReached = true;
          return answer;
        } catch (error) {
          await recover({ error, sinceMs, tries });
        }
      }
    },
    async *follow(open, signal) {
      let sinceMs = systemClock.now();
      for (let tries = 1; ; tries++) {
        try {
          for await (const message of open(current())) {
            isReached = true;
            yield message;
            sinceMs = systemClock.now();
          }
          return;
        } catch (error) {
          await recover({ error, sinceMs, tries }, signal);
        }
      }
    },
    close: () => clients.forEach((client) => client.close()),
  };
}

interface Trouble {
  readonly error: unknown;
  /** Of the first try, or of the last message. */
  readonly sinceMs: number;
  readonly tries: number;
}

function hasName(addresses: string): boolean {
  return areDiscovered(parseAddresses(addresses));
}
