import { isMapName } from '#distill/map-names.js';
import type { MapName } from '#distill/methods/method.js';
import { sizeOf } from '#distill/tensors.js';
import { Answers } from './answers.js';
import type { FeatureExtractor } from './extractor.js';
import type { Job, JobResult } from './job.js';
import { extractedRows } from './rows.js';
import { writeImages } from './views.js';

/**
 * Answers several jobs with one pass through the network for all that want the
 * same maps.
 */
export class JobRunner {
  private readonly answers: Answers;

  constructor(private readonly extractor: FeatureExtractor) {
    this.answers = new Answers(extractor.description.featureDim);
  }

  /** One result for each job, in their order. */
  async run(jobs: readonly Job[]): Promise<JobResult[]> {
    const results = new Map<Job, JobResult>();
    for (const { maps, jobs: alike } of byMaps(jobs)) {
      const answers = await this.pass(alike, maps);
      alike.forEach((job, i) => results.set(job, answers[i]!));
    }
    return jobs.map((job) => results.get(job)!);
  }

  private async pass(
    jobs: readonly Job[],
    maps: ReadonlySet<MapName>,
  ): Promise<JobResult[]> {
    const { imageShape } = this.extractor.description;
    const total = jobs.reduce((sum, { count }) => sum + count, 0);
    const images = new Uint8Array(total * sizeOf(imageShape)); // [N, H, W, C]
    let row = 0;
    for (const job of jobs) {
      writeImages(job, imageShape, images.subarray(row * sizeOf(imageShape)));
      row += job.count;
    }
    const extracted = await this.extractor.extract(images, maps);
    row = 0;
    return jobs.map((job) => {
      const own = extractedRows(extracted, row, job.count);
      const result = this.answers.of(job, own);
      row += job.count;
      return result;
    });
  }
}

interface Alike {
  readonly maps: ReadonlySet<MapName>;
  readonly jobs: Job[];
}

/** The jobs in groups that want the same maps, most of them none. */
function byMaps(jobs: readonly Job[]): Iterable<Alike> {
  const groups = new Map<string, Alike>();
  for (const job of jobs) {
    const maps = [...job.outputs].filter(isMapName).sort();
    const key = maps.join();
    const group = groups.get(key) ?? { maps: new Set(maps), jobs: [] };
    group.jobs.push(job);
    groups.set(key, group);
  }
  return groups.values();
}
