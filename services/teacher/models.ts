import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DrainingError,
  ModelNotFoundError,
  ThreadLostError,
} from '#runtime/errors.js';
import { startWorker, moved, type WorkerHandle } from '#runtime/worker.js';
import { Batcher, type Clock } from './batcher.js';
import type { TeacherConfig } from './config.js';
import type { TeacherEvents } from './events.js';
import type { ExtractorDescription } from './extractor.js';
import type { ExtractorApi, ExtractorData } from './extractor-worker.js';
import type { Job, JobResult } from './job.js';

/** A loaded model: its identity, and the batches that wait for its thread. */
export interface Model {
  readonly name: string;
  readonly description: ExtractorDescription;
  /** See `Batcher.submit`. */
  run(job: Job, signal: AbortSignal): Promise<JobResult>;
}

interface Loaded extends Model {
  close(): Promise<void>;
}

const safeName = /^[a-z0-9][a-z0-9._+-]{0,63}$/i;
const thread = new URL('./extractor-worker.js', import.meta.url);

/** The models of a folder, loaded on demand, a bounded number at a time. */
export class Models {
  /** In the order of their last use. */
  private readonly held = new Map<string, Promise<Loaded>>();
  private readonly closing = new Set<Promise<void>>();
  private readonly stop = new AbortController();

  constructor(
    private readonly config: TeacherConfig,
    private readonly events: TeacherEvents,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws ModelNotFoundError if there is no such folder
   * @throws CorruptFileError if it holds no whole model
   * @throws EngineUnavailableError if the configured engine cannot run it
   */
  get(name: string): Promise<Model> {
    const known = this.held.get(name);
    const model = known ?? this.load(name);
    this.held.delete(name);
    this.held.set(name, model);
    if (!known) {
      model.catch(() => this.forget(name, model));
    }
    return model;
  }

  async close(): Promise<void> {
    this.stop.abort();
    for (const [name, model] of this.held) this.retire(name, model);
    await Promise.all(this.closing);
  }

  private async load(name: string): Promise<Loaded> {
    const folder = await this.folderOf(name);
    // Only now: a name that nothing is behind must not cost a loaded model.
    this.evict();
    const startedMs = this.clock.nowMs();
    const { engine, maxBatchSize, loadMs } = this.config;
    const data: ExtractorData = { folder, engine, maxBatchSize };
    const worker = await startWorker<ExtractorApi>(thread, {
      name: `teacher ${name}`,
      data,
      startWithinMs: loadMs,
    });
    try {
      const description = await this.bounded(name, worker.api.load());
      const model = this.modelOf(name, description, worker);
      this.events.modelLoaded(
        name,
        description,
        this.clock.nowMs() - startedMs,
      );
      return model;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  private async folderOf(name: string): Promise<string> {
    const notFound = new ModelNotFoundError({ model: name.slice(0, 64) });
    if (!safeName.test(name)) throw notFound;
    const folder = join(this.config.modelsDir, name);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw notFound;
    return folder;
  }

  /** Waits for `work` until `loadMs` have passed or the models are closed. */
  private bounded<Result>(name: string, work: Promise<Result>) {
    const { loadMs } = this.config;
    const late = AbortSignal.timeout(loadMs);
    const ended = new Promise<never>((_, reject) => {
      const problem = `loading took longer than ${loadMs} ms`;
      const onEnd = () =>
        reject(
          late.aborted
            ? new ThreadLostError({ thread: `teacher ${name}`, problem })
            : new DrainingError({ service: 'teacher' }),
        );
      AbortSignal.any([late, this.stop.signal]).addEventListener(
        'abort',
        onEnd,
        { once: true },
      );
    });
    return Promise.race([work, ended]);
  }

  private modelOf(
    name: string,
    description: ExtractorDescription,
    worker: WorkerHandle<ExtractorApi>,
  ): Loaded {
    const batcher = new Batcher<Job, JobResult>(
      this.config,
      (jobs) => this.events.computing(() => worker.api.run(moved(jobs))),
      this.clock,
      (batch) => this.events.batchStarted(batch, this.config.maxBatchSize),
    );
    void worker.lost.then(() => {
      // A later request starts a new thread.
      const held = this.held.get(name);
      if (held) this.retire(name, held);
    });
    return {
      name,
      description,
      run: (job, signal) => batcher.submit(job, job.count, signal),
      async close() {
        await batcher.close();
        await worker.close();
      },
    };
  }

  private evict(): void {
    if (this.held.size <= this.config.maxModels) return;
    const [oldest] = this.held;
    if (oldest) this.retire(...oldest);
  }

  private retire(name: string, model: Promise<Loaded>): void {
    this.forget(name, model);
    const closed = model
      .then((loaded) => loaded.close())
      .catch(() => undefined)
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private forget(name: string, model: Promise<Loaded>): void {
    if (this.held.get(name) === model) this.held.delete(name);
  }
}
