import { metrics, type ObservableResult } from '@opentelemetry/api';
import type { Logger } from '#runtime/logger.js';
import type { Bank } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import type { Delta } from './history.js';

/** What happens in the bank, one function each: log lines and metrics. */
export interface BankEvents {
  created(queue: BankQueue): void;
  restored(queue: BankQueue): void;
  deleted(queue: string): void;
  /** Read back from disk when the service started. */
  recovered(queue: BankQueue): void;
  /** A queue's files cannot be trusted; they were put aside in `folder`. */
  damaged(folder: string, error: unknown): void;
  /** The log could not be folded into the rows; it grows on. */
  checkpointFailed(queue: string, error: unknown): void;
  committed(queue: BankQueue, delta: Delta): void;
  duplicate(queue: BankQueue): void;
  subscribed(queue: BankQueue, fromVersion: number | undefined): void;
  unsubscribed(queue: BankQueue): void;
  /** Stops observing. */
  close(): void;
}

export function createEvents(bank: Bank, log: Logger): BankEvents {
  const meter = metrics.getMeter('rrd.bank');
  const commits = meter.createCounter('rrd.bank.commits');
  const rowBytes = meter.createCounter('rrd.bank.committed', { unit: 'By' });
  const duplicates = meter.createCounter('rrd.bank.duplicates');
  const stopGauges = observeBank(bank);
  const named = ({ spec, epoch, state }: BankQueue) => ({
    queue: spec.queue,
    epoch,
    version: state.version,
  });
  return {
    created: (queue) =>
      log.info({ ...named(queue), spec: queue.spec }, 'created'),
    restored: (queue) =>
      log.info({ ...named(queue), spec: queue.spec }, 'restored'),
    recovered: (queue) => log.info(named(queue), 'recovered'),
    damaged: (folder, error) =>
      log.error({ folder, err: error }, 'damaged queue put aside'),
    checkpointFailed: (queue, error) =>
      log.warn({ queue, err: error }, 'checkpoint failed'),
    deleted: (queue) => log.info({ queue }, 'deleted'),
    committed(queue, { version, runId, step, rows }) {
      commits.add(1);
      rowBytes.add(rows.byteLength);
      const { queue: name } = queue.spec;
      log.debug({ queue: name, version, runId, step }, 'committed');
    },
    duplicate(queue) {
      duplicates.add(1);
      log.debug(named(queue), 'duplicate');
    },
    subscribed: (queue, fromVersion) =>
      log.info({ ...named(queue), fromVersion }, 'subscribed'),
    unsubscribed: (queue) => log.info(named(queue), 'unsubscribed'),
    close: stopGauges,
  };
}

/** Gauges by queue; they end with it. */
function observeBank(bank: Bank): () => void {
  const meter = metrics.getMeter('rrd.bank');
  const bytes = (sum: ObservableResult) => sum.observe(bank.bytes);
  const read = {
    'rrd.bank.version': (queue: BankQueue) => queue.state.version,
    'rrd.bank.size': (queue: BankQueue) => queue.spec.capacity,
    'rrd.bank.pending': (queue: BankQueue) => queue.state.pendingBatches,
    'rrd.bank.subscribers': (queue: BankQueue) => queue.state.subscribers,
    'rrd.bank.history': (queue: BankQueue) => queue.historyBytes,
  };
  const total = meter.createObservableGauge('rrd.bank.bytes', { unit: 'By' });
  total.addCallback(bytes);
  const stops = Object.entries(read).map(([name, value]) => {
    const gauge = meter.createObservableGauge(name);
    const observe = (result: ObservableResult) => {
      for (const queue of bank.list()) {
        result.observe(value(queue), { queue: queue.spec.queue });
      }
    };
    gauge.addCallback(observe);
    return () => gauge.removeCallback(observe);
  });
  return () => {
    total.removeCallback(bytes);
    for (const stop of stops) stop();
  };
}
