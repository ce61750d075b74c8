import { sizeOf } from '#distill/tensors.js';
import { Answers } from './answers.js';
import type { FeatureExtractor } from './extractor.js';
import type { Job, JobResult } from './job.js';
import { rowsOf } from './rows.js';
import { writeImages } from './views.js';

/** Answers several jobs with one pass through the network. */
export class JobRunner {
  private readonly answers: Answers;

  constructor(private readonly extractor: FeatureExtractor) {
    this.answers = new Answers(extractor.description.featureDim);
  }

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
    const { features, logits } = await this.extractor.extract(images);
    row = 0;
    return jobs.map((job) => {
      const result = this.answers.of(job, {
        features: rowsOf(features, row, job.count),
        logits: rowsOf(logits, row, job.count),
      });
      row += job.count;
      return result;
    });
  }
}
