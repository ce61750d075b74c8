import { applyView, viewOf } from '#distill/data/augment.js';
import type { ImageShape } from '#distill/data/dataset.js';
import { innerProducts } from '#distill/inner-products.js';
import { embed, projectionFor, type Linear } from '#distill/projection.js';
import { sizeOf } from '#distill/tensors.js';
import type { Extracted, FeatureExtractor } from './extractor.js';
import type { Job, JobResult, ProjectionKey } from './job.js';
import { rowsOf } from './rows.js';

/** Projections kept; each is featDim * featureDim floats. */
const maxProjections = 16;

/** Answers several jobs with one pass through the network. */
export class JobRunner {
  private readonly projections = new Map<string, Linear>();

  constructor(private readonly extractor: FeatureExtractor) {}

  /** One result for each job, in their order. */
  async run(jobs: readonly Job[]): Promise<JobResult[]> {
    const { imageShape } = this.extractor.description;
    const total = jobs.reduce((sum, { count }) => sum + count, 0);
    const images = new Uint8Array(total * sizeOf(imageShape)); // [N, H, W, C]
    let row = 0;
    for (const job of jobs) {
      writeImages(job, imageShape, images.subarray(row * sizeOf(imageShape)));
      row += job.count;
    }
    const extracted = await this.extractor.extract(images);
    row = 0;
    return jobs.map((job) => {
      const result = this.resultOf(job, extracted, row);
      row += job.count;
      return result;
    });
  }

  private resultOf(job: Job, extracted: Extracted, start: number): JobResult {
    const { outputs, projection, count } = job;
    const features = rowsOf(extracted.features, start, count);
    return {
      ...(outputs.has('features') && { features }),
      ...(outputs.has('logits') && {
        logits: rowsOf(extracted.logits, start, count),
      }),
      ...(outputs.has('similarities') && {
        similarities: innerProducts(features),
      }),
      ...(projection && {
        embeddings: embed(features, this.projection(projection)),
      }),
    };
  }

  /** The least recently used makes way for a new one. */
  private projection({ seed, featDim }: ProjectionKey): Linear {
    const { featureDim } = this.extractor.description;
    const key = `${seed}/${featDim}`;
    const projection =
      this.projections.get(key) ?? projectionFor(seed, featureDim, featDim);
    this.projections.delete(key);
    this.projections.set(key, projection);
    const [oldest] = this.projections.keys();
    if (this.projections.size > maxProjections)
      this.projections.delete(oldest!);
    return projection;
  }
}

function writeImages(
  { images, views }: Job,
  shape: ImageShape,
  out: Uint8Array,
): void {
  if (!views) {
    out.set(images);
    return;
  }
  const { seed, epoch, indices } = views;
  const imageBytes = sizeOf(shape);
  indices.forEach((index, row) => {
    const start = row * imageBytes;
    const end = start + imageBytes;
    const view = viewOf(seed, epoch, index);
    applyView(
      images.subarray(start, end),
      shape,
      view,
      out.subarray(start, end),
    );
  });
}
