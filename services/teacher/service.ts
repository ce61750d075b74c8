import { chooseForwardEngine } from '#runtime/compute/index.js';
import { openDatasets, type Datasets } from '#runtime/data/index.js';
import type { Logger } from '#runtime/logger.js';
import { startServer } from '#runtime/rpc/server.js';
import type { RunningService } from '#runtime/service.js';
import type { Clock } from './batcher.js';
import { RowCache } from './cache/row-cache.js';
import type { TeacherConfig } from './config.js';
import type { TeacherContext } from './context.js';
import { createEvents } from './events.js';
import { Models } from './models.js';
import { describe } from './routes/describe.js';
import { extract } from './routes/extract.js';
import { extractStream } from './routes/extract-stream.js';
import { listModels, loadModel, unloadModel } from './routes/models.js';
import { inference } from './routes/inference/service.js';

export interface TeacherOptions {
  readonly log: Logger;
  /** Instead of those of the configuration: shared with other services. */
  readonly datasets?: Datasets;
  readonly clock?: Clock;
}

/**
 * Starts a teacher; models that are not preloaded and data sets are loaded when
 * first asked for.
 * @throws EngineUnavailableError if the configured engine cannot run here
 * @throws for a model to be preloaded, as `Models.get`
 */
export async function startTeacher(
  config: TeacherConfig,
  { log, datasets, clock = systemClock }: TeacherOptions,
): Promise<RunningService> {
  const engine = await chooseForwardEngine(config.engine, config.precision);
  log.info({ engine, asked: config.engine }, 'engine');
  const stop = new AbortController();
  const events = createEvents(log);
  const cache = await cacheOf(config);
  const unobserve = cache && events.observeCache(cache);
  const context: TeacherContext = {
    config,
    models: new Models({ ...config, engine }, events, clock, cache),
    datasets:
      datasets ?? openDatasets(config.datasets, { signal: stop.signal }),
  };
  const release = async () => {
    stop.abort(new Error('the teacher was closed'));
    await context.models.close();
    unobserve?.();
    await cache?.close();
  };
  await preload(context).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  const server = await startServer({
    name: 'teacher',
    handlers: {
      'rrd.v1.TeacherService': {
        describe: describe(context),
        extract: extract(context),
        extractStream: extractStream(context),
        listModels: listModels(context),
        loadModel: loadModel(context),
        unloadModel: unloadModel(context),
      },
      'inference.GRPCInferenceService': inference(context),
    },
    listen: config.listen,
    log,
  });
  return {
    name: server.name,
    address: server.address,
    async close() {
      await server.close();
      await release();
    },
  };
}

/** One after another: each takes all cores to be probed. */
async function preload({ config, models }: TeacherContext): Promise<void> {
  for (const name of config.preload) await models.get(name);
}

async function cacheOf({
  cache,
}: TeacherConfig): Promise<RowCache | undefined> {
  const wanted = cache.memoryBytes > 0 || cache.dir !== undefined;
  return wanted ? RowCache.open(cache) : undefined;
}

const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
