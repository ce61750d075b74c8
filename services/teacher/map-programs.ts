import type { MapName } from '#distill/methods/method.js';
import type { SizedPrograms } from './sized-programs.js';

/** Sets of maps whose programs are kept; each may have the weights once more. */
const maxMapPrograms = 2;

/** Programs of one model that give maps too, by which maps they give. */
export class MapPrograms {
  /** The last used last. */
  private readonly kept = new Map<string, SizedPrograms>();

  /** @param create compiles those for a set of maps */
  constructor(
    private readonly create: (
      maps: ReadonlySet<MapName>,
    ) => Promise<SizedPrograms>,
  ) {}

  /** The least recently used make way; calls must not overlap. */
  async get(maps: ReadonlySet<MapName>): Promise<SizedPrograms> {
    const key = [...maps].sort().join();
    const programs = this.kept.get(key) ?? (await this.create(maps));
    this.kept.delete(key);
    this.kept.set(key, programs);
    const [oldest] = this.kept;
    if (oldest && this.kept.size > maxMapPrograms) {
      this.kept.delete(oldest[0]);
      await oldest[1].dispose();
    }
    return programs;
  }
}
