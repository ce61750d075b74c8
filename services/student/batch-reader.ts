import { type Labelled, Negatives } from '#distill/data/negatives.js';
import type { SampleNeeds } from '#distill/methods/method.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import type { BatchSource } from './batch-thread.js';
import type { ViewSettings } from './batches.js';
import type { Plan } from './plan.js';

interface ComingBatch {
  readonly step: number;
  readonly batch: Promise<NamedHostTensors>;
}

/** Reads the ranks' batches; the next step's while this one's is computed. */
export class BatchReader {
  readonly #ahead = new Map<number, ComingBatch>();
  readonly #negatives: Negatives | undefined;

  constructor(
    private readonly source: BatchSource,
    private readonly views: ViewSettings,
    private readonly plan: Plan,
    private readonly samples: SampleNeeds | undefined,
    train: Labelled,
  ) {
    if (samples) this.#negatives = new Negatives(train);
  }

  /**
   * By the names of a program's inputs: `images`, `labels`, the images of
   * further views, and `contrast`, the samples to contrast with.
   */
  async take(step: number, rank: number): Promise<NamedHostTensors> {
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

  async #read(step: number, rank: number): Promise<NamedHostTensors> {
    const ref = this.plan.rankBatchOf(step, rank);
    const [batch, views] = await Promise.all([
      this.source.batchOf(ref),
      this.#viewsOf(step, rank),
    ]);
    const contrast = this.#contrastOf(step, ref.indices);
    return { ...batch, ...views, ...(contrast && { contrast }) };
  }

  async #viewsOf(step: number, rank: number): Promise<NamedHostTensors> {
    const views = Object.entries(this.plan.rankViewsOf(step, rank));
    const images = views.map(async ([name, ref]) => {
      const seen = await this.source.imagesOf(ref);
      return [`${name}.images`, seen] as const;
    });
    return Object.fromEntries(await Promise.all(images));
  }

  /** int32 [N, 1 + negatives], if a term has memories of all samples. */
  #contrastOf(
    step: number,
    indices: readonly number[],
  ): HostTensor | undefined {
    if (!this.#negatives || !this.samples) return undefined;
    const { seed } = this.views;
    const epoch = this.plan.epochOf(step);
    const width = 1 + this.samples.negatives;
    const data = new Int32Array(indices.length * width);
    for (const [row, index] of indices.entries()) {
      const into = data.subarray(row * width, (row + 1) * width);
      this.#negatives.draw(seed, epoch, index, into);
    }
    return { shape: [indices.length, width], data };
  }
}
