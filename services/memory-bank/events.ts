import { metrics, type ObservableResult } from '@opentelemetry/api';
import type { Logger } from '#runtime/logger.js';
import type { Bank } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import type { Alarm, MeasuredHealth } from './health/alarms.js';
import type { Delta } from './history.js';

/** What happens in the bank, one function each: log lines and metrics. */
export interface BankEvents {
  created(queue: BankQueue): void;
  restored(queue: BankQueue): void;
  deleted(queue: string): void;
  /** Nobody has used it for long: it was freed. */
  expired(queue: string): void;
  /** A queue was to be freed, and the disk did not let us. */
  dropFailed(queue: string, error: unknown): void;
  /** Read back from disk when the service started. */
  recovered(queue: BankQueue): void;
  /** A queue's files cannot be trusted; they were put aside in `folder`. */
  damaged(folder: string, error: unknown): void;
  /** The log could not be folded into the rows; it grows on. */
  checkpointFailed(queue: string, error: unknown): void;
  committed(queue: BankQueue, delta: Delta): void;
  duplicate(queue: BankQueue): void;
  measured(queue: BankQueue, health: MeasuredHealth): void;
  /** A measure has passed its threshold, or is back. */
  alarm(alarm: Alarm): void;
  /** An alarm that did not reach the bus. */
  alarmLost(queue: string, error: unknown): void;
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
  const measured = new WeakMap<BankQueue, MeasuredHealth>();
  const stopGauges = observeBank(bank, measured);
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
    expired: (queue) => log.warn({ queue }, 'unused for too long: deleted'),
    dropFailed: (queue, error) =>
      log.error({ queue, err: error }, 'not removed from the disk'),
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
    measured: (queue, health) => measured.set(queue, health),
    alarm: (alarm) =>
      alarm.raised ? log.warn(alarm, 'alarm') : log.info(alarm, 'alarm over'),
    alarmLost: (queue, error) =>
      log.warn({ queue, err: error }, 'alarm not on the bus'),
    subscribed: (queue, fromVersion) =>
      log.info({ ...named(queue), fromVersion }, 'subscribed'),
    unsubscribed: (queue) => log.info(named(queue), 'unsubscribed'),
    close: stopGauges,
  };
}

/** Gauges by queue; they end with it. */
function observeBank(
  bank: Bank,
  measured: WeakMap<BankQueue, MeasuredHealth>,
): () => void {
  const meter = metrics.getMeter('rrd.bank');
  const bytes = (sum: ObservableResult) => sum.observe(bank.bytes);
  const read = {
    'rrd.bank.version': (queue: BankQueue) => queue.state.version,
    'rrd.bank.size': (queue: BankQueue) => queue.spec.capacity,
    'rrd.bank.pending': (queue: BankQueue) => queue.state.pendingBatches,
    'rrd.bank.subscribers': (queue: BankQueue) => queue.state.subscribers,
    'rrd.bank.history': (queue: BankQueue) => queue.historyBytes,
    'rrd.bank.oldest_row': (queue: BankQueue) => queue.oldestRowVersions,
    'rrd.bank.reader_lag': (queue: BankQueue) => queue.readerLag,
    'rrd.bank.duplicate_rate': (queue: BankQueue) =>
      measured.get(queue)?.duplicateRate,
    'rrd.bank.effective_rank': (queue: BankQueue) =>
      measured.get(queue)?.effectiveRank,
    'rrd.bank.similarity_entropy': (queue: BankQueue) =>
      measured.get(queue)?.similarityEntropy,
  };
  const total = meter.createObservableGauge('rrd.bank.bytes', { unit: 'By' });
  total.addCallback(bytes);
  const stops = Object.entries(read).map(([name, value]) => {
    const gauge = meter.createObservableGauge(name);
    const observe = (result: ObservableResult) => {
      for (const queue of bank.list()) {
        const now = value(queue);
        const { queue: name, teacherDigest: teacher } = queue.spec;
        if (now !== undefined) result.observe(now, { queue: name, teacher });
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
