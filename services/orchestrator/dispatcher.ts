import type { Bus } from '#runtime/bus/bus.js';
import type {
  RunTransition,
  RunWork,
  StopRequest,
} from '#runtime/bus/run-events.js';
import { runsQueue, subjects } from '#runtime/bus/subjects.js';
import type { OrchestratorEvents } from './events.js';
import type { RunRecord } from './run-record.js';

/** Events kept for a bus that is away; the oldest are given up. */
const maxUnsent = 1_000;

/**
 * Tells workers what to do. Never throws: what the bus does not take now is
 * told again later, and telling something twice does no harm.
 */
export class Dispatcher {
  readonly #bus: Bus;
  readonly #events: OrchestratorEvents;
  readonly #epoch: number;
  /** The attempt of each waiting run that this process has offered. */
  readonly #offered = new Map<string, number>();
  #unsent: (() => Promise<void>)[] = [];

  constructor(bus: Bus, events: OrchestratorEvents, epoch: number) {
    this.#bus = bus;
    this.#events = events;
    this.#epoch = epoch;
  }

  /** Whether this process has put this very attempt on the work queue. */
  isOffered({ runId, attempt }: RunRecord): boolean {
    return this.#offered.get(runId) === attempt;
  }

  /** Puts a waiting run on the work queue, unless that was done before. */
  async offer(record: RunRecord): Promise<void> {
    const { runId, attempt, experiment } = record;
    if (this.isOffered(record)) return;
    const epoch = this.#epoch;
    const work: RunWork = { runId, attempt, experiment, epoch };
    const messageId = `offer-${runId}-${attempt}`;
    try {
      await this.#bus.offer(runsQueue, work, { messageId });
      this.#offered.set(runId, attempt);
    } catch (error) {
      this.#events.offerDelayed(runId, error);
    }
  }

  /** Tells everyone the newest change of a run's phase or owner. */
  async announce(record: RunRecord): Promise<void> {
    const { runId, transitions, phase, attempt, worker, updatedMs } = record;
    const change: RunTransition = {
      ...{ runId, transition: transitions, phase, attempt, worker },
      atMs: updatedMs,
    };
    // A name used again counts its transitions anew, under other attempts.
    const messageId = `transition-${runId}-${attempt}-${transitions}`;
    await this.#send(subjects.runTransition(runId), change, messageId, runId);
  }

  /** Asks workers to stop. Asking again within two minutes changes nothing. */
  async stop(runId: string, request: StopRequest): Promise<void> {
    const { attempt, worker = '', reason } = request;
    const epoch = this.#epoch;
    const messageId = `stop-${runId}-${epoch}-${attempt}-${worker}-${reason}`;
    const stop = { ...request, epoch };
    await this.#send(subjects.runCancel(runId), stop, messageId, runId);
  }

  /** Sends what the bus did not take. */
  async flush(): Promise<void> {
    for (let send = this.#unsent[0]; send; send = this.#unsent[0]) {
      await send();
      this.#unsent.shift();
    }
  }

  async #send(
    subject: string,
    event: StopRequest | RunTransition,
    messageId: string,
    runId: string,
  ): Promise<void> {
    const send = () => this.#bus.publish(subject, event, { messageId });
    try {
      await send();
    } catch (error) {
      this.#events.eventDelayed(runId, error);
      this.#unsent = [...this.#unsent, send].slice(-maxUnsent);
    }
  }

  forget(runId: string): void {
    this.#offered.delete(runId);
  }
}
