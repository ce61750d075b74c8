import type { Dataset } from '#distill/data/dataset.js';
import { type Batch, batchOf, type ViewSettings } from './batches.js';
import type { Plan } from './plan.js';

interface ComingBatch {
  readonly step: number;
  readonly batch: Promise<Batch>;
}

/** Reads the ranks' batches; the next step's while this one's is computed. */
export class BatchReader {
  readonly #ahead = new Map<number, ComingBatch>();

  constructor(
    private readonly dataset: Dataset,
    private readonly views: ViewSettings,
    private readonly plan: Plan,
  ) {}

  async take(step: number, rank: number): Promise<Batch> {
    const ahead = this.#ahead.get(rank);
    const batch = await (ahead?.step === step
      ? ahead.batch
      : this.#read(step, rank));
    this.#readAhead(step + 1, rank);
    return batch;
  }

  #readAhead(step: number, rank: number): void {
    if (step >= this.plan.totalSteps) return;
    const batch = this.#read(step, rank);
    // Whoever takes it sees the failure; until then it is not lost.
    batch.catch(() => {});
    this.#ahead.set(rank, { step, batch });
  }

  #read(step: number, rank: number): Promise<Batch> {
    const batch = this.plan.rankBatchOf(step, rank);
    return batchOf(this.dataset, this.views, batch);
  }
}
