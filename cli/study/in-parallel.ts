/**
 * Works on items in their order, at most `limit` at a time. The first failure
 * aborts the signal of the others, lets them end, and is thrown.
 */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, failed: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const left = items.values();
  const worker = async () => {
    for (const item of left) {
      if (failed.signal.aborted) return;
      try {
        await work(item, failed.signal);
      } catch (error) {
        failed.abort(error); // the first reason stays
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  failed.signal.throwIfAborted();
}
