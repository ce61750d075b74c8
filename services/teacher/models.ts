import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMapName } from '#distill/map-names.js';
import type { MapKind, MapShape } from '#distill/methods/method.js';
import { ModelNotFoundError } from '#runtime/errors.js';
import { Batcher, type Clock, type Submission } from './batcher.js';
import { CachedAnswers } from './cached-answers.js';
import type { RowCache } from './cache/row-cache.js';
import type { TeacherConfig } from './config.js';
import type { TeacherEvents } from './events.js';
import type { ExtractorDescription } from './extractor.js';
import type { Job, JobResult } from './job.js';
import { ModelThreads } from './model-threads.js';

/** Whose turn a request takes, and until when. */
export type Queuing = Omit<Submission, 'samples'>;

/** A loaded model: its identity, and the batches that wait for its threads. */
export interface Model {
  readonly name: string;
  readonly description: ExtractorDescription;
  /** See `Batcher.submit`. */
  run(job: Job, queuing: Queuing): Promise<JobResult>;
  /** Shapes of its maps of a kind, in order; the first call takes a pass. */
  mapShapes(kind: MapKind): Promise<readonly MapShape[]>;
}

interface Loaded extends Model {
  /** Settles when its threads are gone, for whatever reason. */
  readonly lost: Promise<unknown>;
  close(): Promise<void>;
}

/** A folder that can be a model; its description if it is loaded. */
export interface ModelStatus {
  readonly name: string;
  readonly description?: ExtractorDescription | undefined;
}

/** Names that one list may have. */
const longestList = 1000;

const safeName = /^[a-z0-9][a-z0-9._+-]{0,63}$/i;

/** The models of a folder, loaded on demand, a bounded number at a time. */
export class Models {
  /** In the order of their last use. */
  private readonly held = new Map<string, Promise<Loaded>>();
  /** Of those held that have finished loading. */
  private readonly loaded = new Map<string, ExtractorDescription>();
  private readonly closing = new Set<Promise<void>>();
  private readonly stop = new AbortController();

  constructor(
    private readonly config: TeacherConfig,
    private readonly events: TeacherEvents,
    private readonly clock: Clock,
    /** Without it everything is computed. */
    private readonly cache?: RowCache,
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
      const isHeld = () => this.held.get(name) === model;
      const remember = ({ description, lost }: Loaded) => {
        if (isHeld()) this.loaded.set(name, description);
        // A later request starts new threads.
        void lost.then(() => (isHeld() ? this.retire(name, model) : undefined));
      };
      model.then(remember, () => this.forget(name, model));
    }
    return model;
  }

  /** In the order of their names. */
  async list(): Promise<readonly ModelStatus[]> {
    const { modelsDir } = this.config;
    const entries = await readdir(modelsDir, { withFileTypes: true }).catch(
      () => [], // no folder: no models
    );
    const names = entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .filter((name) => safeName.test(name));
    return names
      .toSorted()
      .slice(0, longestList)
      .map((name) => ({ name, description: this.loaded.get(name) }));
  }

  /**
   * Resolves when the model is gone, to whether it was held.
   * @throws ModelNotFoundError if there is neither model nor folder
   */
  async unload(name: string): Promise<boolean> {
    const held = this.held.get(name);
    if (held) await this.retire(name, held);
    else await this.folderOf(name);
    return held !== undefined;
  }

  async close(): Promise<void> {
    this.stop.abort();
    for (const [name, model] of this.held) void this.retire(name, model);
    await Promise.all(this.closing);
  }

  private async load(name: string): Promise<Loaded> {
    const folder = await this.folderOf(name);
    // Only now: a name that nothing is behind must not cost a loaded model.
    this.evict();
    const startedMs = this.clock.nowMs();
    const { engine, maxBatchSize, precision, instances, loadMs } = this.config;
    const threads = await ModelThreads.start({
      model: name,
      data: { folder, engine, maxBatchSize, precision },
      ...{ instances, loadMs, signal: this.stop.signal },
    });
    const loadedMs = this.clock.nowMs() - startedMs;
    this.events.modelLoaded(name, threads.description, loadedMs);
    return this.modelOf(name, threads);
  }

  private async folderOf(name: string): Promise<string> {
    const notFound = new ModelNotFoundError({ model: name.slice(0, 64) });
    if (!safeName.test(name)) throw notFound;
    const folder = join(this.config.modelsDir, name);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw notFound;
    return folder;
  }

  private modelOf(name: string, threads: ModelThreads): Loaded {
    const batcher = new Batcher<Job, JobResult>(
      this.config,
      (jobs, instance) =>
        this.events.computing(samplesOf(jobs), () =>
          threads.run(jobs, instance),
        ),
      this.clock,
      (batch) => this.events.batchStarted(batch, this.config.maxBatchSize),
    );
    const submit = async (job: Job, queuing: Queuing) => {
      const submission = { ...queuing, samples: job.count };
      return batcher.submit(job, submission).catch((error: unknown) => {
        this.events.requestRefused(error);
        throw error;
      });
    };
    const { description, lost } = threads;
    const cached =
      this.cache &&
      new CachedAnswers(description, this.cache, (lookup) =>
        this.events.cacheAsked(lookup),
      );
    return {
      name,
      description,
      lost,
      run: (job, queuing) =>
        // Maps are far too large to be kept.
        cached && ![...job.outputs].some(isMapName)
          ? cached.run(job, (rest) => submit(rest, queuing))
          : submit(job, queuing),
      mapShapes: (kind) => threads.mapShapes(kind),
      async close() {
        await batcher.close();
        await threads.close();
      },
    };
  }

  private evict(): void {
    if (this.held.size <= this.config.maxModels) return;
    const [oldest] = this.held;
    if (oldest) void this.retire(...oldest);
  }

  private retire(name: string, model: Promise<Loaded>): Promise<void> {
    this.forget(name, model);
    const closed = model
      .then((loaded) => loaded.close())
      .catch(() => undefined)
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
    return closed;
  }

  private forget(name: string, model: Promise<Loaded>): void {
    if (this.held.get(name) !== model) return;
    this.held.delete(name);
    this.loaded.delete(name);
  }
}

function samplesOf(jobs: readonly Job[]): number {
  return jobs.reduce((sum, { count }) => sum + count, 0);
}
