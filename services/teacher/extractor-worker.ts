import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { MapKind, MapShape } from '#distill/methods/method.js';
import type { ConvPrecision } from '#distill/ops/autocast.js';
import { createEngine } from '#runtime/compute/index.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { moved, serveWorker } from '#runtime/worker.js';
import type { ExtractorDescription, FeatureExtractor } from './extractor.js';
import type { Job, JobResult } from './job.js';
import { JobRunner } from './jobs.js';
import { NetworkExtractor } from './network-extractor.js';
import { OnnxExtractor } from './onnx-extractor.js';
import { onnxModelName } from '#runtime/onnx-model.js';

/** The thread in which one model of the teacher computes. */

export interface ExtractorData {
  readonly folder: string;
  readonly engine: EngineChoice;
  readonly maxBatchSize: number;
  /** Of networks of ours; an ONNX file has its own. */
  readonly precision: ConvPrecision;
}

const { folder, engine, maxBatchSize, precision } = workerData as ExtractorData;
let extractor: FeatureExtractor | undefined;
let runner: JobRunner | undefined;

const api = {
  /** Must have ended before `run` is called. */
  async load(): Promise<ExtractorDescription> {
    extractor = existsSync(join(folder, onnxModelName))
      ? await OnnxExtractor.load(folder, maxBatchSize)
      : await NetworkExtractor.load(
          folder,
          await createEngine(engine),
          maxBatchSize,
          precision,
        );
    runner = new JobRunner(extractor);
    return extractor.description;
  },

  async mapShapes(kind: MapKind): Promise<readonly MapShape[]> {
    if (!extractor) throw new Error('nothing is loaded');
    return extractor.mapShapes(kind);
  },

  /** Calls must not overlap. */
  async run(jobs: readonly Job[]): Promise<JobResult[]> {
    if (!runner) throw new Error('nothing is loaded');
    return moved(await runner.run(jobs));
  },
};

export type ExtractorApi = typeof api;

serveWorker(api);
