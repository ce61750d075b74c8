import { innerProducts } from '#distill/inner-products.js';
import { embed, projectionFor, type Linear } from '#distill/projection.js';
import type { Extracted } from './extractor.js';
import type { Job, JobResult, ProjectionKey } from './job.js';
import { storedMapsOf } from './stored-maps.js';

/** Projections kept; each is featDim * featureDim floats. */
const maxProjections = 16;

/** Makes what jobs ask for from features, logits and maps. */
export class Answers {
  private readonly projections = new Map<string, Linear>();

  constructor(private readonly featureDim: number) {}

  /** @param extracted rows of the job's samples alone */
  of(job: Job, extracted: Extracted): JobResult {
    const { outputs, projection } = job;
    const { features, logits } = extracted;
    const maps = storedMapsOf(job, extracted);
    if ('overflow' in maps) return maps;
    return {
      ...maps,
      ...(outputs.has('features') && { features }),
      ...(outputs.has('logits') && { logits }),
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
    const key = `${seed}/${featDim}`;
    const projection =
      this.projections.get(key) ??
      projectionFor(seed, this.featureDim, featDim);
    this.projections.delete(key);
    this.projections.set(key, projection);
    const [oldest] = this.projections.keys();
    if (this.projections.size > maxProjections)
      this.projections.delete(oldest!);
    return projection;
  }
}
