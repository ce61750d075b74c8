/**
 * Calls `work` for every item, at most `limit` at a time, in order of start.
 * The first failure, or `signal`, stops further starts; it rejects when the
 * calls under way have settled.
 */
export async function forEachBounded<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < items.length && !failed) {
      signal.throwIfAborted();
      const index = next++;
      await work(items[index]!, index);
    }
  };
  const lanes = Array.from({ length: limit }, () =>
    lane().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const results = await Promise.allSettled(lanes);
  signal.throwIfAborted();
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}
