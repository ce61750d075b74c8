import { type Precision, roundRows } from '#distill/precision.js';
import { meanOfRanks } from '#distill/ranks.js';
import type { RankBuffers, RankPart } from '../rank-step.js';

/** What all ranks together make of a step. */
export interface StepMean {
  /** Of the ranks' vectors, see `meanOfRanks`. */
  readonly mean: Float32Array;
  /** What ranks that were computed elsewhere have besides, for who keeps it. */
  readonly elsewhere: readonly RankBuffers[];
}

/**
 * Where the ranks of a run meet: every worker hands in what its ranks have
 * computed, and all get the same mean, bit for bit. Where a run says
 * so, each rank's vector is rounded before it is summed, and the mean behind it,
 * also where nothing travels. This is the seam for a native all-reduce; it has
 * to sum in rank order.
 */
export interface Collective {
  /** The ranks that are computed here, ascending. */
  readonly ranks: readonly number[];
  /** Hands in a rank's part of `step`; sending goes on while others compute. */
  contribute(step: number, rank: number, result: RankPart): void;
  /** Waits for the mean of `step`, to which all our ranks have contributed. */
  mean(step: number): Promise<StepMean>;
}

/** All ranks in one worker: nothing travels. */
export class LocalCollective implements Collective {
  readonly ranks: readonly number[];
  readonly #vectors: Float32Array[] = [];

  /** @param precision what vectors and means are rounded to */
  constructor(
    worldSize: number,
    private readonly precision: Precision,
  ) {
    this.ranks = Array.from({ length: worldSize }, (_, rank) => rank);
  }

  contribute(_step: number, rank: number, { vector }: RankPart): void {
    this.#vectors[rank] = roundRows(vector, this.precision);
  }

  async mean(): Promise<StepMean> {
    const vectors = this.ranks.map((rank) => this.#vectors[rank]!);
    const mean = roundRows(meanOfRanks(vectors), this.precision);
    return { mean, elsewhere: [] };
  }
}
