import { isHeld, isWaiting, type RunRecord } from './run-record.js';
import type { StateEvent } from './run-state.js';

export interface LeaseSettings {
  /** How long the owner of a run may be silent. */
  readonly leaseMs: number;
  /** How long a run may wait for an owner while no worker is heard at all. */
  readonly claimTimeoutMs: number;
}

/** Who was heard when, and whose silence has lasted too long. */
export class Leases {
  readonly #settings: LeaseSettings;
  readonly #heardMs = new Map<string, number>();
  #anyWorkerHeardMs = 0;

  constructor(settings: LeaseSettings) {
    this.#settings = settings;
  }

  /** Starts the clock of a run that has changed hands or phase. */
  restart({ runId }: RunRecord, nowMs: number): void {
    this.#heardMs.set(runId, nowMs);
  }

  /** A run's owner gave a sign of life. */
  renew({ runId, cancelRequested }: RunRecord, nowMs: number): void {
    this.#anyWorkerHeardMs = nowMs;
    // One that was asked to stop has this long for it, however lively it is.
    if (!cancelRequested) this.#heardMs.set(runId, nowMs);
  }

  forget(runId: string): void {
    this.#heardMs.delete(runId);
  }

  /**
   * What a run's silence means by now, if anything. Silence before
   * `listeningSinceMs` does not count: we could not have heard.
   */
  judge(
    record: RunRecord,
    nowMs: number,
    listeningSinceMs: number,
  ): StateEvent | undefined {
    const { runId } = record;
    const heardMs = this.#heardMs.get(runId) ?? listeningSinceMs;
    const silentMs = nowMs - Math.max(heardMs, listeningSinceMs);
    const { leaseMs, claimTimeoutMs } = this.#settings;
    if (isHeld(record)) {
      return silentMs < leaseMs
        ? undefined
        : { type: 'worker-silent', silentMs };
    }
    if (!isWaiting(record) || nowMs < record.notBeforeMs) return undefined;
    // Workers that are busy will come back to the queue.
    const waitedMs = Math.min(silentMs, nowMs - this.#anyWorkerHeardMs);
    return waitedMs < claimTimeoutMs
      ? undefined
      : { type: 'unclaimed', waitedMs };
  }
}
