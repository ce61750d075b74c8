import { toSharedBus } from '#runtime/bus/config.js';
import { openBus } from '#runtime/bus/index.js';
import { readEnv } from '#runtime/env.js';
import { runUntilSignal } from '#runtime/lifecycle.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig } from './config.js';
import { startStudent } from './service.js';

/** A student worker of its own process, configured by RRD_STUDENT_*. */
const settings = readEnv('RRD_STUDENT_');
const config = toConfig(settings, 'environment (RRD_STUDENT_*)');
const log = createLogger('student');
const bus = await openBus({ ...toSharedBus(readEnv('RRD_BUS_')), log });
try {
  await runUntilSignal(await startStudent(config, { bus, log }), { log });
} finally {
  await bus.close();
}
