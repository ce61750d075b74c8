import type { Publisher } from '#runtime/bus/bus.js';
import type { Logger } from '#runtime/logger.js';
import { startServer } from '#runtime/rpc/server.js';
import type { RunningService } from '#runtime/service.js';
import { Bank } from './bank.js';
import type { MemoryBankConfig } from './config.js';
import type { Context, Routes } from './context.js';
import { createEvents } from './events.js';
import { HealthMonitor } from './health/monitor.js';
import { createQueue } from './routes/create-queue.js';
import { deleteQueue } from './routes/delete-queue.js';
import { enqueue } from './routes/enqueue.js';
import { gatherRows } from './routes/gather-rows.js';
import { getQueue } from './routes/get-queue.js';
import { getQueueHealth } from './routes/get-queue-health.js';
import { listQueues } from './routes/list-queues.js';
import { restoreQueue } from './routes/restore-queue.js';
import { subscribe } from './routes/subscribe.js';
import { Retention } from './retention.js';
import { openJournal } from './storage/disk-journal.js';
import { Seeder } from './seeder.js';

const name = 'memory-bank';

/**
 * Starts a memory bank with the queues that its folder holds, if any.
 * @param bus for alarms; without one they are only logged
 */
export async function startMemoryBank(
  config: MemoryBankConfig,
  { log, bus }: { readonly log: Logger; readonly bus?: Publisher },
): Promise<RunningService> {
  const bank = new Bank(config);
  const events = createEvents(bank, log);
  const journal = await openJournal(bank, config, events);
  const health = new HealthMonitor({ bank, config, events, bus });
  const { retentionMs } = config;
  const retention = new Retention({ bank, journal, events, retentionMs });
  const context: Context = {
    bank,
    config,
    events,
    journal,
    seeder: new Seeder(),
    health,
  };
  const server = await startServer({
    name,
    log,
    listen: config.listen,
    drainMs: config.drainMs,
    handlers: { 'rrd.v1.MemoryBankService': routes(context) },
  });
  return {
    name,
    address: server.address,
    async close() {
      await server.close();
      await retention.close();
      await health.close();
      await journal.close();
      events.close();
    },
  };
}

function routes(context: Context): Routes {
  return {
    createQueue: createQueue(context),
    deleteQueue: deleteQueue(context),
    enqueue: enqueue(context),
    gatherRows: gatherRows(context),
    getQueue: getQueue(context),
    getQueueHealth: getQueueHealth(context),
    listQueues: listQueues(context),
    restoreQueue: restoreQueue(context),
    subscribe: subscribe(context),
  };
}
