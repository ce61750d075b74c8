/** Message ids of the last `windowMs`. Time is a parameter. */
export class DedupWindow {
  /** When each id was first seen; insertion order is order of time. */
  readonly #seenMs = new Map<string, number>();
  readonly #windowMs: number;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Whether `id` is new; remembers it. No id is always new. */
  admit(id: string | undefined, nowMs: number): boolean {
    this.#forget(nowMs);
    if (id === undefined) return true;
    if (this.#seenMs.has(id)) return false;
    this.#seenMs.set(id, nowMs);
    return true;
  }

  #forget(nowMs: number): void {
    for (const [id, seenMs] of this.#seenMs) {
      if (nowMs - seenMs < this.#windowMs) return;
      this.#seenMs.delete(id);
    }
  }
}
