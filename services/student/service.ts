import type { Bus } from '#runtime/bus/bus.js';
import { nvidiaGpus } from '#runtime/compute/doctor.js';
import { chooseEngine } from '#runtime/compute/index.js';
import { openDatasets, type Datasets } from '#runtime/data/index.js';
import type { Logger } from '#runtime/logger.js';
import { clientCredentials } from '#runtime/rpc/options.js';
import { startServer } from '#runtime/rpc/server.js';
import type { RunningService } from '#runtime/service.js';
import type { StudentConfig } from './config.js';
import { StudentEvents } from './events.js';
import { GroupDoor } from './group/door.js';
import { ownAddress } from '#runtime/rpc/own-address.js';
import { exchange, join } from './routes/collective.js';
import { getStatus } from './routes/get-status.js';
import { StudentWorker } from './worker.js';

export interface StudentOptions {
  readonly bus: Bus;
  readonly log: Logger;
  /** Instead of those of the configuration: shared with other services. */
  readonly datasets?: Datasets;
}

async function firstGpuGiB(): Promise<number> {
  const [first] = await nvidiaGpus();
  return (first?.memoryBytes ?? 0) / 2 ** 30;
}

/**
 * Starts a student worker: it takes its runs from the bus, one at a time. Data
 * sets are loaded when a run first asks for them, and kept for later runs.
 * @throws EngineUnavailableError if the configured engine cannot run here
 * @throws ConfigInvalidError if what it calls others with cannot be read
 */
export async function startStudent(
  asked: StudentConfig,
  { bus, log, datasets }: StudentOptions,
): Promise<RunningService> {
  clientCredentials(asked.tls);
  const engine = await chooseEngine(asked.engine);
  log.info({ engine, asked: asked.engine }, 'engine');
  const gpuMemoryGiB = asked.gpuMemoryGiB ?? (await firstGpuGiB());
  const config = { ...asked, engine, gpuMemoryGiB };
  const stop = new AbortController();
  const door = new GroupDoor();
  const server = await startServer({
    name: 'student',
    handlers: {
      'rrd.v1.StudentService': {
        getStatus: getStatus(config, () => worker.current),
      },
      'rrd.v1.CollectiveService': {
        join: join(door),
        exchange: exchange(door),
      },
    },
    listen: config.listen,
    log,
  });
  // Only now: others must reach it as soon as it holds a run.
  const worker = new StudentWorker({
    ...{ config, bus, door, events: new StudentEvents(log) },
    address: config.advertise ?? ownAddress(server.address),
    datasets:
      datasets ?? openDatasets(config.datasets, { signal: stop.signal }),
  });
  return {
    name: server.name,
    address: server.address,
    ended: worker.ended,
    async close() {
      await worker.close();
      await server.close();
      stop.abort(new Error('the student was closed'));
    },
  };
}
