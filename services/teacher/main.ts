import { readEnv } from '#runtime/env.js';
import { runUntilSignal } from '#runtime/lifecycle.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig } from './config.js';
import { startTeacher } from './service.js';

/** A teacher of its own process, configured by RRD_TEACHER_*. */
const log = createLogger('teacher');
const config = toConfig(readEnv('RRD_TEACHER_'), 'environment (RRD_TEACHER_*)');
await runUntilSignal(await startTeacher(config, { log }), { log });
