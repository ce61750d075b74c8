import type { Dataset } from '#distill/data/dataset.js';
import { cutmix, mixup } from '#distill/data/mixing.js';
import { rngFrom } from '#distill/data/rng.js';
import { dataSeedOf, type Experiment, needsOf } from '#distill/experiment.js';
import { sizeOf } from '#distill/tensors.js';

/** The samples of a step, rank 0's first. */
export interface StepSamples {
  readonly epoch: number;
  readonly indices: readonly number[];
  /** Of their own views. */
  readonly pixels: Uint8Array;
  /** Of the views that another seed draws. */
  readonly drawnWith: (seed: number) => Promise<Uint8Array>;
}

/** Pixels of the further views that the loss reads, by the views' names. */
export async function viewsByHand(
  { loss, ranks, training }: Experiment,
  { imageShape }: Dataset,
  { epoch, indices, pixels, drawnWith }: StepSamples,
): Promise<Readonly<Record<string, Uint8Array>>> {
  const { batchSize } = training;
  const seed = dataSeedOf(training);
  const size = batchSize * sizeOf(imageShape);
  const views: Record<string, Uint8Array> = {};
  for (const { kind, count } of needsOf({ loss }).views ?? []) {
    for (let number = 1; number <= count; number++) {
      const name = `${kind}${number}`;
      if (kind === 'redraw') {
        const drawn = rngFrom(seed, 'redraw', number).integer(2 ** 48);
        views[name] = await drawnWith(drawn);
        continue;
      }
      const mix = kind === 'cutmix' ? cutmix : mixup;
      const all = new Uint8Array(pixels.length);
      // Samples are mixed within a rank.
      for (let rank = 0; rank < ranks; rank++) {
        const data = pixels.slice(rank * size, (rank + 1) * size);
        const first = indices[rank * batchSize]!;
        const rng = rngFrom(seed, kind, number, epoch, first);
        all.set(mix({ data, imageShape }, rng), rank * size);
      }
      views[name] = all;
    }
  }
  return views;
}
