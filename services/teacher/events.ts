import { metrics, type ObservableResult } from '@opentelemetry/api';
import { DomainError } from '#runtime/errors.js';
import type { Logger } from '#runtime/logger.js';
import type { BatchStart } from './batcher.js';
import type { RowCache } from './cache/row-cache.js';
import type { ExtractorDescription } from './extractor.js';

/** Everything that the teacher logs and counts, one function an event. */
export type TeacherEvents = ReturnType<typeof createEvents>;

export function createEvents(log: Logger) {
  const meter = metrics.getMeter('rrd.teacher');
  const fill = meter.createHistogram('rrd.teacher.batch.fill', {
    description: 'Samples of a batch as a fraction of the largest batch',
    advice: { explicitBucketBoundaries: [0.125, 0.25, 0.375, 0.5, 0.75, 1] },
  });
  const wait = meter.createHistogram('rrd.teacher.queue.wait', {
    unit: 's',
    description: 'Time of a request from its arrival to its batch',
  });
  const compute = meter.createHistogram('rrd.teacher.compute.duration', {
    unit: 's',
    description: 'Time of a batch in the extracting thread',
  });
  const requests = meter.createCounter('rrd.teacher.requests', {
    description: 'Requests that were computed',
  });
  const refused = meter.createCounter('rrd.teacher.refused', {
    description: 'Requests that waited or came in vain, by reason',
  });
  const images = meter.createCounter('rrd.teacher.images', {
    description: 'Images that were computed',
  });
  const hits = meter.createCounter('rrd.teacher.cache.hits', {
    description: 'Images whose outputs were known',
  });
  const misses = meter.createCounter('rrd.teacher.cache.misses', {
    description: 'Images that had to be computed',
  });
  const saved = meter.createCounter('rrd.teacher.cache.saved', {
    unit: 's',
    description: 'Time that hits would have taken, at the mean of an image',
  });
  const bytes = meter.createObservableGauge('rrd.teacher.cache.bytes', {
    unit: 'By',
    description: 'Size of the cached outputs, by where they are',
  });
  /** Of this process's batches so far. */
  const computed = { samples: 0, seconds: 0 };

  return {
    modelLoaded(model: string, identity: ExtractorDescription, loadMs: number) {
      log.info({ model, ...identity, loadMs: Math.round(loadMs) }, 'loaded');
    },

    batchStarted({ samples, waitsMs }: BatchStart, maxBatchSize: number) {
      fill.record(samples / maxBatchSize);
      for (const waitMs of waitsMs) wait.record(waitMs / 1000);
      requests.add(waitsMs.length);
      images.add(samples);
    },

    requestRefused(error: unknown) {
      const reason = error instanceof DomainError ? error.reason : 'CANCELLED';
      refused.add(1, { 'rrd.reason': reason });
    },

    cacheAsked(lookup: { hits: number; misses: number }) {
      hits.add(lookup.hits);
      misses.add(lookup.misses);
      const { samples, seconds } = computed;
      if (samples > 0) saved.add((lookup.hits * seconds) / samples);
    },

    /** @returns stops it */
    observeCache(cache: RowCache): () => void {
      const observe = (result: ObservableResult) => {
        for (const [where, held] of Object.entries(cache.bytes)) {
          result.observe(held, { 'rrd.cache': where });
        }
      };
      bytes.addCallback(observe);
      return () => bytes.removeCallback(observe);
    },

    /** Times the computation of a batch, failed ones included. */
    async computing<Result>(
      samples: number,
      run: () => Promise<Result>,
    ): Promise<Result> {
      const started = performance.now();
      try {
        return await run();
      } finally {
        const seconds = (performance.now() - started) / 1000;
        compute.record(seconds);
        computed.samples += samples;
        computed.seconds += seconds;
      }
    },
  };
}
