import { toSharedBus } from '#runtime/bus/config.js';
import { openBus } from '#runtime/bus/index.js';
import { readEnv } from '#runtime/env.js';
import { runUntilSignal } from '#runtime/lifecycle.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig } from './config.js';
import { startOrchestrator } from './service.js';

const config = toConfig(
  readEnv('RRD_ORCHESTRATOR_'),
  'environment (RRD_ORCHESTRATOR_*)',
);
const log = createLogger('orchestrator');
const bus = await openBus({ ...toSharedBus(readEnv('RRD_BUS_')), log });
try {
  const service = await startOrchestrator(config, { bus, log });
  await runUntilSignal(service, { log });
} finally {
  await bus.close();
}
