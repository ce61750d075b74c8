/** Ctrl-C, as a signal to whoever has to tidy up first. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

const names = ['SIGINT', 'SIGTERM'] as const;

/**
 * Aborts at the first SIGINT or SIGTERM; a second one ends the process at
 * once. Disposing of it gives both their usual meaning back.
 */
export function catchInterruption(): Interruption {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  for (const name of names) process.on(name, interrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, interrupt);
    },
  };
}
