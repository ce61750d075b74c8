import { readEnv } from '#runtime/env.js';
import { runUntilSignal } from '#runtime/lifecycle.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig } from './config.js';
import { startMemoryBank } from './service.js';

const config = toConfig(readEnv('RRD_BANK_'), 'environment (RRD_BANK_*)');
const log = createLogger('memory-bank');
await runUntilSignal(await startMemoryBank(config, { log }), { log });
