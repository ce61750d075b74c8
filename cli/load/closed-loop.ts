import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '#runtime/errors.js';

export interface LoadOptions {
  /** Each asks again as soon as it has been answered. */
  readonly clients: number;
  readonly seconds: number;
  /** Before it, answers do not count. */
  readonly warmUpSeconds: number;
  /** Images of one request. */
  readonly batch: number;
  /** Asks once on behalf of a client. */
  readonly ask: (client: number) => Promise<void>;
}

/** What a server did under a load. */
export interface LoadReport {
  readonly requests: number;
  readonly imagesPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Refused or failed requests, by reason. */
  readonly failures: Readonly<Record<string, number>>;
}

/** A bounded load: as many requests at a time as there are clients. */
export async function closedLoop(options: LoadOptions): Promise<LoadReport> {
  const { clients, seconds, warmUpSeconds, batch, ask } = options;
  const begin = performance.now() + warmUpSeconds * 1000;
  const end = begin + seconds * 1000;
  const latenciesMs: number[] = [];
  const failures: Record<string, number> = {};
  const work = async (client: number) => {
    for (let started = 0; (started = performance.now()) < end;) {
      try {
        await ask(client);
        const now = performance.now();
        if (now >= begin && now < end) latenciesMs.push(now - started);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        failures[error.reason] = (failures[error.reason] ?? 0) + 1;
        // What fails at once must not turn the load into a busy loop.
        await sleep(error.retryAfterMs ?? 100);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => work(i)));
  latenciesMs.sort((a, b) => a - b);
  return {
    requests: latenciesMs.length,
    imagesPerSecond: round((latenciesMs.length * batch) / seconds),
    p50Ms: quantile(latenciesMs, 0.5),
    p95Ms: quantile(latenciesMs, 0.95),
    p99Ms: quantile(latenciesMs, 0.99),
    failures,
  };
}

function quantile(sorted: readonly number[], q: number): number {
  const at = Math.min(sorted.length - 1, Math.floor(q * sorted.length));
  return round(sorted[at] ?? NaN);
}

const round = (value: number) => Math.round(value * 100) / 100;
