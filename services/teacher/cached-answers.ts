import { sizeOf, type HostTensor } from '#distill/tensors.js';
import { Answers } from './answers.js';
import { keysOf, type RowCache } from './cache/row-cache.js';
import type { ExtractorDescription } from './extractor.js';
import type { Job, JobOutput, JobResult } from './job.js';
import { writeImages } from './views.js';

/** Computes a job; its images may be gone afterwards. */
export type Compute = (job: Job) => Promise<JobResult>;

/** Samples that were known, or being computed, and that were not. */
export type OnLookup = (lookup: { hits: number; misses: number }) => void;

const rowOutputs: ReadonlySet<JobOutput> = new Set(['features', 'logits']);

type Row = Float32Array;

/** A job's images, with a key for each. */
interface Asked {
  readonly images: Uint8Array;
  readonly keys: readonly string[];
}

/**
 * Answers of one model, from the cache where it can: only images that it does
 * not know are computed, each once however many ask for it at a time, and what
 * was not asked for is remembered too.
 */
export class CachedAnswers {
  private readonly answers: Answers;
  /** Rows that somebody computes right now, by key. */
  private readonly flights = new Map<string, Promise<Row>>();

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
    let misses = 0;
    // Again for rows that others failed to compute: their failure is not ours.
    for (;;) {
      const missing = [...rows.keys()].filter((i) => !rows[i]);
      if (missing.length === 0) break;
      misses += await this.fill(rows, missing, { images, keys }, compute);
    }
    this.onLookup({ hits: rows.length - misses, misses });
    return this.answers.of(job, this.extractedFrom(rows as Row[]));
  }

  /**
   * Rows at `missing`, by computing those that nobody computes and waiting for
   * the others, which may stay missing.
   * @returns how many were computed
   */
  private async fill(
    rows: (Row | undefined)[],
    missing: readonly number[],
    { images, keys }: Asked,
    compute: Compute,
  ): Promise<number> {
    const firstAt = new Map<string, number>();
    for (const at of missing.toReversed()) firstAt.set(keys[at]!, at);
    const own = [...firstAt.values()].filter(
      (at) => !this.flights.has(keys[at]!),
    );
    const computing = this.compute(own, images, compute);
    own.forEach((at, row) =>
      this.track(
        keys[at]!,
        computing.then((computed) => computed[row]!),
      ),
    );
    const flights = missing.map((at) => this.flights.get(keys[at]!)!);
    const settled = await Promise.allSettled(flights);
    await computing; // our own failure is the request's
    settled.forEach((outcome, i) => {
      if (outcome.status === 'fulfilled') rows[missing[i]!] = outcome.value;
    });
    return own.length;
  }

  private track(key: string, flight: Promise<Row>): void {
    this.flights.set(key, flight);
    const remember = (row: Row) => this.cache.set(key, row);
    void flight
      .then(remember, () => undefined)
      .finally(() => this.flights.delete(key));
  }

  private async compute(
    indices: readonly number[],
    images: Uint8Array,
    compute: Compute,
  ): Promise<readonly Row[]> {
    if (indices.length === 0) return [];
    const computed = await compute({
      images: this.imagesAt(indices, images),
      count: indices.length,
      outputs: rowOutputs,
    });
    return indices.map((_, row) => rowAt(computed, row));
  }

  private async known(key: string): Promise<Row | undefined> {
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

  private extractedFrom(rows: readonly Row[]) {
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
function rowAt({ features, logits }: JobResult, row: number): Row {
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
