import type { QueueHealth } from '#distill/queue-health.js';
import type { MemoryBankConfig } from '../config.js';

/** A queue's health at one version. */
export interface MeasuredHealth extends QueueHealth {
  readonly version: number;
  /** So many rows, evenly spread, stand for all. */
  readonly measuredRows: number;
  /** Versions since the oldest row came. */
  readonly oldestRowVersions: number;
  /** Versions that the slowest subscriber has yet to read. */
  readonly readerLagVersions: number;
}

export type Measure = keyof MemoryBankConfig['alarms'];

/** A measure that has passed its threshold, or is back within it. */
export type Alarm = {
  readonly queue: string;
  readonly version: number;
  readonly measure: Measure;
  readonly value: number;
  readonly threshold: number;
  /** False: it is over. */
  readonly raised: boolean;
};

/** Measures that are alarming when they are low; the others when high. */
const low: ReadonlySet<Measure> = new Set(['effectiveRank']);

/**
 * The measures that are alarming.
 * @param mostRank the threshold of a small queue, which cannot have a high one
 */
export function alarming(
  health: MeasuredHealth,
  thresholds: MemoryBankConfig['alarms'],
  mostRank: number,
): ReadonlySet<Measure> {
  const measures = Object.keys(thresholds) as Measure[];
  return new Set(
    measures.filter((measure) => {
      const [value, threshold] = [health[measure], thresholds[measure]];
      return low.has(measure)
        ? value < Math.min(threshold, mostRank)
        : value > threshold;
    }),
  );
}
