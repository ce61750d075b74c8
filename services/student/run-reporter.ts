import type { Bus } from '#runtime/bus/bus.js';
import {
  publishRunEvent,
  type RunEvent,
  type RunProgress,
} from '#runtime/bus/run-events.js';
import { defaultRetryPolicy, retry } from '#runtime/rpc/retry.js';
import type { RunListener } from './trainer.js';

export interface ReporterOptions {
  readonly bus: Bus;
  readonly runId: string;
  readonly attempt: number;
  readonly worker: string;
  /** The longest silence. */
  readonly heartbeatMs: number;
  /** The shortest time between two reports of progress. */
  readonly progressMs: number;
  /** Unheard for so long, the run is no longer ours. */
  readonly leaseMs: number;
  /** Nothing was stored for `leaseMs`. */
  readonly onUnheard: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** What a worker can say; who says it is filled in. */
type Say = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'attempt' | 'worker'>
    : never
  : never;

/**
 * Tells the bus about one run, in order and from `claim` to `end` never silent
 * for longer than `heartbeatMs`. Training does not wait for it: progress that
 * comes faster than the bus takes it is merged into the newest.
 */
export class RunReporter implements RunListener {
  readonly #options: ReporterOptions;
  #last: Say = { type: 'claimed' };
  #unsaid: RunProgress | undefined;
  #progressAt = -Infinity;
  #storedAt = performance.now();
  /** Events on their way; at most one of each phase, and one of progress. */
  #sending = 0;
  #sent: Promise<void> = Promise.resolve();
  #spoken = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** The newest thing said. */
  get last(): Say {
    return this.#last;
  }

  /** Says that the run is ours; rejects if that cannot be stored. */
  async claim(): Promise<void> {
    await this.#publish(this.#last);
    this.#storedAt = performance.now();
    const { heartbeatMs } = this.#options;
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  running(): void {
    this.#say({ type: 'running' });
  }

  progress(progress: RunProgress): void {
    this.#unsaid = progress;
    const now = performance.now();
    if (this.#sending > 0) return;
    if (now - this.#progressAt < this.#options.progressMs) return;
    this.#progressAt = now;
    this.#sayProgress();
  }

  evaluating(): void {
    this.#sayProgress();
    this.#say({ type: 'evaluating' });
  }

  /** Falls silent, after a last word if there is one. */
  async end(final?: Say): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#sent;
    if (!final) return;
    this.#last = final;
    const { leaseMs: deadlineMs, onFailure } = this.#options;
    const policy = { ...defaultRetryPolicy, deadlineMs };
    await retry(policy, () => this.#publish(final)).catch(onFailure);
  }

  #beat(): void {
    const { leaseMs, onUnheard } = this.#options;
    if (performance.now() - this.#storedAt > leaseMs) onUnheard();
    if (!this.#spoken && this.#sending === 0) {
      if (this.#unsaid) this.#sayProgress();
      else this.#say(this.#last);
    }
    this.#spoken = false;
  }

  #sayProgress(): void {
    if (this.#unsaid) this.#say({ type: 'progress', progress: this.#unsaid });
    this.#unsaid = undefined;
  }

  #say(event: Say): void {
    this.#last = event;
    this.#spoken = true;
    this.#sending++;
    this.#sent = this.#sent
      .then(() => this.#publish(event))
      .then(
        () => (this.#storedAt = performance.now()),
        (error: unknown) => this.#options.onFailure(error),
      )
      .then(() => void this.#sending--);
  }

  #publish(event: Say): Promise<void> {
    const { bus, runId, attempt, worker } = this.#options;
    return publishRunEvent(bus, runId, { ...event, attempt, worker });
  }
}
