import type { Bus } from '#runtime/bus/bus.js';
import type { Logger } from '#runtime/logger.js';
import { startServer } from '#runtime/rpc/server.js';
import type { RunningService } from '#runtime/service.js';
import type { StudentConfig } from './config.js';
import { StudentEvents } from './events.js';
import { getStatus } from './routes/get-status.js';
import { StudentWorker } from './worker.js';

/** Starts a student worker: it takes its runs from the bus, one at a time. */
export async function startStudent(
  config: StudentConfig,
  { bus, log }: { readonly bus: Bus; readonly log: Logger },
): Promise<RunningService> {
  const events = new StudentEvents(log);
  const worker = new StudentWorker({ config, bus, events });
  const server = await startServer({
    name: 'student',
    handlers: {
      'rrd.v1.StudentService': { getStatus: getStatus(config, worker) },
    },
    listen: config.listen,
    log,
  });
  return {
    name: server.name,
    address: server.address,
    ended: worker.ended,
    async close() {
      await worker.close();
      await server.close();
    },
  };
}
