import type { Logger } from './logger.js';
import type { RunningService } from './service.js';

export interface LifecycleOptions {
  log?: Logger;
  /** How long the event loop may take to empty once the service is closed. */
  lingerMs?: number;
}

const signals = ['SIGTERM', 'SIGINT'] as const;

/**
 * Keeps a service until it has ended by itself or until SIGTERM or SIGINT, then
 * closes it. The process ends by its event loop running empty, so that
 * telemetry is flushed; a second signal, or something that holds the loop for
 * longer than `lingerMs`, ends it hard.
 */
export async function runUntilSignal(
  service: RunningService,
  { log, lingerMs = 10_000 }: LifecycleOptions = {},
): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of signals) process.once(name, resolve);
    void service.ended?.then(() => resolve('none'));
  });
  for (const name of signals) {
    process.once(name, () => process.exit(130));
  }
  log?.info({ signal, service: service.name }, 'closing');
  try {
    await service.close();
  } catch (error) {
    log?.error({ err: error }, 'close failed');
    process.exitCode = 1;
  }
  setTimeout(() => {
    log?.warn({ lingerMs }, 'something holds the event loop');
    process.exit(1);
  }, lingerMs).unref();
}
