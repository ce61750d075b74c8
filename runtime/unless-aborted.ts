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
