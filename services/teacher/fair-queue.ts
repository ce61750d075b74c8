/** What decides the place of an entry. */
export interface Ranked {
  /** Higher goes first. */
  readonly priority: number;
  /** Whose turn it takes. */
  readonly client: string;
}

/**
 * What waits for a teacher: higher priorities first; of one priority each
 * client in turn, so that one who asks for much delays the others by one entry
 * and not by all of its own; of one client in order of arrival.
 */
export class FairQueue<Entry extends Ranked> {
  /** By priority, then by client in order of their turns. None is empty. */
  readonly #levels = new Map<number, Map<string, Entry[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: Entry): void {
    const level =
      this.#levels.get(entry.priority) ?? new Map<string, Entry[]>();
    this.#levels.set(entry.priority, level);
    const own = level.get(entry.client) ?? [];
    level.set(entry.client, [...own, entry]);
    this.#size++;
  }

  /** All entries, in the order in which they are due. */
  *[Symbol.iterator](): Generator<Entry> {
    const priorities = [...this.#levels.keys()].sort((a, b) => b - a);
    for (const priority of priorities) {
      const clients = [...this.#levels.get(priority)!.values()];
      const rounds = Math.max(...clients.map(({ length }) => length));
      for (let round = 0; round < rounds; round++) {
        for (const entries of clients) {
          const entry = entries[round];
          if (entry) yield entry;
        }
      }
    }
  }

  /** Takes out entries that are served: their clients have had their turns. */
  take(entries: readonly Entry[]): void {
    for (const entry of entries) this.#remove(entry, true);
  }

  /** @returns false if it was not there */
  remove(entry: Entry): boolean {
    return this.#remove(entry, false);
  }

  /** The client with the most entries, if any has more than `count`. */
  busiestAbove(count: number): string | undefined {
    const counts = new Map<string, number>();
    for (const { client } of this) {
      counts.set(client, (counts.get(client) ?? 0) + 1);
    }
    const [busiest] = [...counts].sort(([, a], [, b]) => b - a);
    return busiest && busiest[1] > count ? busiest[0] : undefined;
  }

  of(client: string): Entry[] {
    return [...this].filter((entry) => entry.client === client);
  }

  clear(): Entry[] {
    const entries = [...this];
    this.#levels.clear();
    this.#size = 0;
    return entries;
  }

  #remove(entry: Entry, served: boolean): boolean {
    const level = this.#levels.get(entry.priority);
    const own = level?.get(entry.client);
    if (!level || !own?.includes(entry)) return false;
    const rest = own.filter((other) => other !== entry);
    if (served || rest.length === 0) level.delete(entry.client);
    if (rest.length > 0) level.set(entry.client, rest);
    if (level.size === 0) this.#levels.delete(entry.priority);
    this.#size--;
    return true;
  }
}
