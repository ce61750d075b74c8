import { z } from 'zod';
import type { Records } from '#runtime/bus/bus.js';
import { RecordConflictError } from '#runtime/errors.js';

/** The one record of `attemptsBucket`. */
const key = 'forgotten';
const floorSchema = z.object({ attempt: z.number().int().nonnegative() });

/**
 * The highest attempt of all runs that were forgotten. What workers, bus and
 * bank still have of one of them goes by its name and attempt. Its name may be
 * used again; so the attempts of new runs are above.
 */
export class AttemptFloor {
  readonly #records: Records;
  #attempt = 0;
  /** Undefined where the bus has no record. */
  #revision: number | undefined;

  private constructor(records: Records) {
    this.#records = records;
  }

  /** @throws ServiceUnavailableError */
  static async open(records: Records): Promise<AttemptFloor> {
    const floor = new AttemptFloor(records);
    await floor.#read();
    return floor;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /**
   * Before a run that has had `attempt` is forgotten.
   * @throws ServiceUnavailableError
   */
  async raiseTo(attempt: number): Promise<void> {
    while (this.#attempt < attempt) {
      try {
        this.#revision = await this.#write(attempt);
        this.#attempt = attempt;
      } catch (error) {
        // An earlier leader's last write came first, or one of ours was lost.
        if (!(error instanceof RecordConflictError)) throw error;
        await this.#read();
      }
    }
  }

  #write(attempt: number): Promise<number> {
    return this.#revision === undefined
      ? this.#records.create(key, { attempt })
      : this.#records.update(key, { attempt }, this.#revision);
  }

  async #read(): Promise<void> {
    const entry = await this.#records.get(key);
    this.#attempt = floorSchema.safeParse(entry?.value).data?.attempt ?? 0;
    this.#revision = entry?.revision;
  }
}
