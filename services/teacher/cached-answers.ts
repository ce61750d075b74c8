import { sizeOf, type HostTensor } from '#distill/tensors.js';
import { Answers } from './answers.js';
import { keysOf, type RowCache } from './cache/row-cache.js';
import type { ExtractorDescription } from './extractor.js';
import type { Job, JobOutput, JobResult } from './job.js';
import { writeImages } from './views.js';

/** Computes a job; its images may be gone afterwards. */
export type Compute = (job: Job) => Promise<JobResult>;

/** Samples that were known and that were not. */
export type OnLookup = (lookup: { hits: number; misses: number }) => void;

const rowOutputs: ReadonlySet<JobOutput> = new Set(['features', 'logits']);

/**
 * Answers of one model, from the cache where it can: only images that it does
 * not know are computed, and what was not asked for is remembered too.
 */
export class CachedAnswers {
  private readonly answers: Answers;

  constructor(
    private readonly description: ExtractorDescription,
    private readonly cache: RowCache,
    private readonly onLookup: OnLookup,
  ) {
    this.answers = new Answers(description.featureDim);
  }

  async run(job: Job, compute: Compute): Promise<JobResult> {
    const { digest, imageShape } = this.description;
    const images = new Uint8Array(job.count * sizeOf(imageShape)); // [N, H, W, C]
    writeImages(job, imageShape, images);
    const keys = keysOf(digest, images, imageShape);
    const rows = await Promise.all(keys.map((key) => this.known(key)));
    const missing = [...rows.keys()].filter((i) => !rows[i]);
    const misses = missing.length;
    this.onLookup({ hits: rows.length - misses, misses });
    if (misses > 0) {
      const computed = await compute({
        images: this.imagesAt(missing, images),
        count: misses,
        outputs: rowOutputs,
      });
      missing.forEach((at, row) => {
        rows[at] = rowAt(computed, row);
        this.cache.set(keys[at]!, rows[at]);
      });
    }
    return this.answers.of(job, this.extractedFrom(rows as Float32Array[]));
  }

  private async known(key: string): Promise<Float32Array | undefined> {
    const { featureDim, classCount } = this.description;
    const row = await this.cache.get(key);
    return row?.length === featureDim + classCount ? row : undefined;
  }

  private imagesAt(indices: readonly number[], images: Uint8Array): Uint8Array {
    const width = sizeOf(this.description.imageShape);
    const chosen = new Uint8Array(indices.length * width);
    indices.forEach((index, row) => {
      const image = images.subarray(index * width, (index + 1) * width);
      chosen.set(image, row * width);
    });
    return chosen;
  }

  private extractedFrom(rows: readonly Float32Array[]) {
    const { featureDim, classCount } = this.description;
    const count = rows.length;
    const features = new Float32Array(count * featureDim);
    const logits = new Float32Array(count * classCount);
    rows.forEach((row, i) => {
      features.set(row.subarray(0, featureDim), i * featureDim);
      logits.set(row.subarray(featureDim), i * classCount);
    });
    return {
      features: { shape: [count, featureDim], data: features },
      logits: { shape: [count, classCount], data: logits },
    };
  }
}

/** Features, then logits of one row. */
function rowAt({ features, logits }: JobResult, row: number): Float32Array {
  const parts = [features!, logits!].map(({ shape, data }: HostTensor) => {
    const width = shape[1]!;
    return data.subarray(row * width, (row + 1) * width);
  });
  const [first, second] = parts;
  const joined = new Float32Array(first!.length + second!.length);
  joined.set(first!);
  joined.set(second!, first!.length);
  return joined;
}
