export interface Patience {
  readonly ms: number;
  readonly signal: AbortSignal;
  /** The error of a wait that lasted too long. */
  readonly late: (waitedMs: number) => Error;
}

/**
 * The outcome of `work`, unless the signal aborts (its reason is thrown) or
 * time runs out first. The work itself goes on; give it the signal as well.
 */
export async function within<T>(
  work: Promise<T>,
  { ms, signal, late }: Patience,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late(ms)), ms);
  });
  try {
    return await unlessAborted(Promise.race([work, end]), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The outcome of `work`, unless the signal aborts first: then its reason. */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let onAbort = () => {};
  const abortion = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    // Aborted already: no more work, even if it is done.
    return await Promise.race([abortion, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
