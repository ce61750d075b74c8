import type { Precision } from '#distill/precision.js';
import type { StepFeed } from '../step-feed.js';
import { LocalCollective } from './collective.js';
import type { Team } from './generation.js';

/** The workers of a run, as its chief sees them. */
export interface Group {
  /**
   * Who takes `step`; until its `changed` aborts, the following ones too.
   * @throws ServiceUnavailableError where they cannot come together
   */
  at(step: number): Promise<Team>;
  /** Steps have been applied here, so many in all. */
  applied(steps: number): Promise<void>;
  close(): void;
}

/** All ranks on the worker that holds the run. */
export class SingleGroup implements Group {
  readonly #team: Team;

  /** @param precision what vectors and means are rounded to */
  constructor(
    worldSize: number,
    precision: Precision,
    feedOf: (ranks: readonly number[]) => StepFeed,
  ) {
    const collective = new LocalCollective(worldSize, precision);
    const feed = feedOf(collective.ranks);
    const changed = new AbortController().signal; // never
    this.#team = { collective, feed, changed };
  }

  async at(): Promise<Team> {
    return this.#team;
  }

  async applied(): Promise<void> {}

  close(): void {
    this.#team.feed.close();
  }
}
