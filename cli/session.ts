import { pino } from 'pino';
import type { EngineChoice } from '#runtime/compute/engine.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { startLocalCluster } from './local-cluster.js';
import {
  openOrchestrator,
  type OrchestratorClient,
} from './orchestrator-client.js';

export interface SessionOptions {
  /** Address of a running orchestrator; without it all services start here. */
  readonly orchestrator?: string | undefined;
  /** Plaintext without. */
  readonly tls?: ClientTls | undefined;
  /** Data sets of the local services: name -> `folder:/path`, `cifar10:...`. */
  readonly datasets: Readonly<Record<string, string>>;
  readonly modelsDir: string;
  readonly runsDir: string;
  readonly engine: EngineChoice;
  /** Student workers of the local services: for runs, or ranks, at once. */
  readonly students: number;
}

/** An orchestrator to talk to, and whatever was started to have one. */
export interface Session extends AsyncDisposable {
  readonly orchestrator: OrchestratorClient;
}

export async function openSession(options: SessionOptions): Promise<Session> {
  if (options.orchestrator !== undefined) {
    const orchestrator = openOrchestrator(options.orchestrator, options.tls);
    return {
      orchestrator,
      [Symbol.asyncDispose]: async () => orchestrator.close(),
    };
  }
  const cluster = await startLocalCluster({
    ...options,
    // Progress has the terminal; the services say only what went wrong.
    log: pino({ level: 'warn' }, pino.destination(2)),
  });
  const orchestrator = openOrchestrator(cluster.orchestratorAddress);
  return {
    orchestrator,
    [Symbol.asyncDispose]: async () => {
      orchestrator.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
