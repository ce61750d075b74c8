import type { MapKind, MapShape } from '#distill/methods/method.js';
import {
  DrainingError,
  EngineUnavailableError,
  ThreadLostError,
} from '#runtime/errors.js';
import { moved, startWorker, type WorkerHandle } from '#runtime/worker.js';
import type { ExtractorDescription } from './extractor.js';
import type { ExtractorApi, ExtractorData } from './extractor-worker.js';
import type { Job, JobResult } from './job.js';

export interface ThreadsOptions {
  /** Names the threads. */
  readonly model: string;
  readonly data: ExtractorData;
  readonly instances: number;
  /** How long starting and loading may take. */
  readonly loadMs: number;
  /** Ends the loading. */
  readonly signal: AbortSignal;
}

const entry = new URL('./extractor-worker.js', import.meta.url);

/** Equal threads of one model, each of which computes one batch at a time. */
export class ModelThreads {
  private constructor(
    readonly description: ExtractorDescription,
    private readonly workers: readonly WorkerHandle<ExtractorApi>[],
  ) {}

  /**
   * @throws CorruptFileError if the folder holds no whole model
   * @throws EngineUnavailableError if the engine cannot run it
   * @throws ThreadLostError if it takes too long
   */
  static async start(options: ThreadsOptions): Promise<ModelThreads> {
    const { model, data, instances, loadMs } = options;
    const starting = Array.from({ length: instances }, () =>
      startWorker<ExtractorApi>(entry, {
        name: `teacher ${model}`,
        data,
        startWithinMs: loadMs,
      }),
    );
    const started = await Promise.allSettled(starting);
    const workers = started.flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    );
    try {
      await Promise.all(starting);
      const loading = Promise.all(workers.map(({ api }) => api.load()));
      const descriptions = await within(loading, options);
      return new ModelThreads(sameOf(descriptions), workers);
    } catch (error) {
      await closeAll(workers);
      throw error;
    }
  }

  /** Resolves when one of the threads is gone. */
  get lost(): Promise<ThreadLostError> {
    return Promise.race(this.workers.map(({ lost }) => lost));
  }

  run(jobs: readonly Job[], instance: number): Promise<JobResult[]> {
    return this.workers[instance]!.api.run(moved(jobs));
  }

  /** See `FeatureExtractor.mapShapes`. */
  mapShapes(kind: MapKind): Promise<readonly MapShape[]> {
    return this.workers[0]!.api.mapShapes(kind);
  }

  close(): Promise<void> {
    return closeAll(this.workers);
  }
}

async function closeAll(workers: readonly WorkerHandle<ExtractorApi>[]) {
  await Promise.all(workers.map((worker) => worker.close()));
}

/** Threads that differ would answer by the one that happened to be free. */
function sameOf(descriptions: ExtractorDescription[]): ExtractorDescription {
  const [first] = descriptions;
  const digests = new Set(descriptions.map(({ digest }) => digest));
  if (first && digests.size === 1) return first;
  throw new EngineUnavailableError({
    engine: first?.engine ?? 'none',
    problem: 'its threads give different bits',
  });
}

/** Waits for `work` until `loadMs` have passed or the signal aborts. */
function within<Result>(
  work: Promise<Result>,
  { model, loadMs, signal }: ThreadsOptions,
): Promise<Result> {
  const late = AbortSignal.timeout(loadMs);
  const ended = new Promise<never>((_, reject) => {
    const problem = `loading took longer than ${loadMs} ms`;
    const onEnd = () =>
      reject(
        late.aborted
          ? new ThreadLostError({ thread: `teacher ${model}`, problem })
          : new DrainingError({ service: 'teacher' }),
      );
    AbortSignal.any([late, signal]).addEventListener('abort', onEnd, {
      once: true,
    });
  });
  return Promise.race([work, ended]);
}
