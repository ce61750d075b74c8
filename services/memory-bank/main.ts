import { toSharedBus } from '#runtime/bus/config.js';
import { openBus } from '#runtime/bus/index.js';
import { LazyBus } from '#runtime/bus/lazy.js';
import { readEnv } from '#runtime/env.js';
import { runUntilSignal } from '#runtime/lifecycle.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig } from './config.js';
import { startMemoryBank } from './service.js';

const config = toConfig(readEnv('RRD_BANK_'), 'environment (RRD_BANK_*)');
const log = createLogger('memory-bank');
const shared = readEnv('RRD_BUS_');
const settings =
  Object.keys(shared).length > 0 ? toSharedBus(shared) : undefined;
/** Only an alarm needs it: rows are served whether there is a bus or not. */
const bus = settings && new LazyBus(() => openBus({ ...settings, log }));
try {
  const around = { log, ...(bus && { bus }) };
  await runUntilSignal(await startMemoryBank(config, around), { log });
} finally {
  await bus?.close();
}
