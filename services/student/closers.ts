/** Frees something that a run opened. */
export type Closer = (isOver: boolean) => Promise<void> | void;

/**
 * Frees what a run opened, the newest first. One that fails holds up none of
 * the others, and is not what becomes of the run.
 */
export async function closeAll(
  closers: readonly Closer[],
  isOver: boolean,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close(isOver);
    } catch (error) {
      onFailure(error);
    }
  }
}
