import { decodeRows } from '#distill/precision.js';
import type { Publisher } from '#runtime/bus/bus.js';
import { subjects } from '#runtime/bus/subjects.js';
import { startWorker, type WorkerHandle } from '#runtime/worker.js';
import type { Bank } from '../bank.js';
import type { BankQueue } from '../bank-queue.js';
import type { MemoryBankConfig } from '../config.js';
import type { BankEvents } from '../events.js';
import { alarming, type Measure, type MeasuredHealth } from './alarms.js';
import type { HealthApi } from './worker.js';

export interface MonitorOptions {
  readonly bank: Bank;
  readonly config: Pick<MemoryBankConfig, 'alarms' | 'healthMs'>;
  readonly events: BankEvents;
  readonly bus: Publisher | undefined;
}

/** Evenly spread rows are enough; more would take long to copy. */
const maxRows = 16_384;

/** Looks at the queues that have changed, now and then, and raises alarms. */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #seen = new WeakMap<BankQueue, MeasuredHealth>();
  readonly #alarms = new WeakMap<BankQueue, ReadonlySet<Measure>>();
  #thread: Promise<WorkerHandle<HealthApi>> | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#start(), options.config.healthMs);
    this.#timer.unref();
  }

  /**
   * @throws BankBytesError where the sample finds no memory, ThreadBusyError,
   *   ThreadLostError
   */
  async measure(queue: BankQueue): Promise<MeasuredHealth> {
    const { spec, state, readerLag, oldestRowVersions } = queue;
    const { capacity, featDim, precision } = spec;
    const slots = spread(capacity, maxRows);
    // As values: what is measured is float32, whatever the queue's precision.
    const shape = {
      capacity: slots.length,
      featDim,
      precision: 'float32',
    } as const;
    const memory = this.#options.bank.reserveRows(shape);
    try {
      const rows = decodeRows(queue.gather(slots), precision);
      const { api } = await this.#worker();
      const health: MeasuredHealth = {
        ...(await api.measure(rows, featDim)),
        ...{ version: state.version, measuredRows: slots.length },
        ...{ oldestRowVersions, readerLagVersions: readerLag },
      };
      this.#seen.set(queue, health);
      this.#options.events.measured(queue, health);
      return health;
    } finally {
      memory.release();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const thread = await this.#thread?.catch(() => undefined);
    await thread?.close();
    await this.#looking;
  }

  /** Looks, unless the last look is still going on. */
  #start(): void {
    if (this.#looking) return;
    const over = () => (this.#looking = undefined);
    this.#looking = this.#look().finally(over);
  }

  async #look(): Promise<void> {
    for (const queue of this.#options.bank.list()) {
      const version = this.#seen.get(queue)?.version;
      const isSame = version === queue.state.version && queue.readerLag === 0;
      if (this.#closed || isSame) continue;
      // What cannot be measured now is measured the next time.
      const health = await this.measure(queue).catch(() => undefined);
      if (health) await this.#compare(queue, health);
    }
  }

  /** Tells what has become alarming, and what no longer is. */
  async #compare(queue: BankQueue, health: MeasuredHealth): Promise<void> {
    const { alarms: thresholds } = this.#options.config;
    const { queue: name, capacity, featDim } = queue.spec;
    // Half of what it can be: few rows are not collapsed rows.
    const mostRank = Math.min(capacity, featDim) / 2;
    const now = alarming(health, thresholds, mostRank);
    const before = this.#alarms.get(queue) ?? new Set<Measure>();
    this.#alarms.set(queue, now);
    for (const measure of new Set([...now, ...before])) {
      if (now.has(measure) === before.has(measure)) continue;
      const alarm = {
        ...{ queue: name, version: health.version, measure },
        ...{ value: health[measure], threshold: thresholds[measure] },
        raised: now.has(measure),
      };
      this.#options.events.alarm(alarm);
      await this.#options.bus
        ?.publish(subjects.bankAlarm, alarm)
        .catch((error: unknown) => this.#options.events.alarmLost(name, error));
    }
  }

  /** One thread, started when it is first needed and again if it is lost. */
  #worker(): Promise<WorkerHandle<HealthApi>> {
    if (this.#thread) return this.#thread;
    const entry = new URL('./worker.js', import.meta.url);
    const started = startWorker<HealthApi>(entry, { name: 'health' });
    this.#thread = started;
    const again = () => (this.#thread = undefined);
    started.then(({ lost }) => lost.then(again), again);
    return started;
  }
}

/** At most `most` evenly spread slots. */
function spread(capacity: number, most: number): number[] {
  const every = Math.ceil(capacity / most);
  const count = Math.ceil(capacity / every);
  return Array.from({ length: count }, (_, i) => i * every);
}
