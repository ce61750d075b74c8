import type { Experiment } from '#distill/experiment.js';
import { openDatasets } from '#runtime/data/index.js';
import { InvalidRequestError } from '#runtime/errors.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { checkViews, pixelsOf } from '../services/student/batches.js';
import { toConfig } from '../services/student/config.js';
import { TeacherClient } from '../services/student/teacher-client.js';
import type { BatchRef } from '../services/student/trainer-api.js';

export interface PrecomputeOptions {
  /** One teacher, or several equal ones that have a cache folder in common. */
  readonly teacher: string;
  readonly tls: ClientTls | undefined;
  readonly datasets: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onBatch: (progress: PrecomputeProgress) => void;
}

export interface PrecomputeProgress {
  readonly images: number;
  readonly totalImages: number;
  readonly seconds: number;
}

/** Batches that are under way at a time: the teacher always has one more. */
const requests = 4;

/** Nobody needs a message larger than this for images by reference. */
const largestBatch = 256;

/**
 * Asks a teacher for everything that a run is going to ask it for, so that it
 * has it in its cache: each training image in its view of each epoch.
 * @throws InvalidRequestError for an experiment without a teacher
 */
export async function precompute(
  experiment: Experiment,
  { teacher, tls, datasets, signal, onBatch }: PrecomputeOptions,
): Promise<PrecomputeProgress> {
  const { training, bank } = experiment;
  const model = experiment.teacher?.model;
  if (model === undefined) {
    const expected = 'an experiment with a teacher';
    const value = experiment.name;
    throw new InvalidRequestError({ field: 'experiment', value, expected });
  }
  const dataset = await openDatasets(datasets).get(experiment.dataset);
  checkViews(dataset, training);
  const { deadlines, kserve } = toConfig();
  const client = await TeacherClient.open(
    {
      ...{ model, client: 'precompute', dataset, views: training },
      projection: { seed: bank.projectionSeed, featDim: bank.featDim },
      ...{ maps: false, protocol: 'rrd', addresses: teacher, tls },
      inference: kserve,
      describeMs: deadlines.describeMs,
      extractMs: deadlines.extractMs,
      attemptMs: deadlines.extractAttemptMs,
      pixelsOf: (batch) => pixelsOf(dataset, training, batch),
      onPixels: () => undefined,
      listener: {
        joined: () => undefined,
        lost: () => undefined,
        refused: () => undefined,
      },
    },
    signal,
  );
  try {
    const { size } = dataset.split('train');
    const batches = batchesOf(experiment, size, client.maxBatchSize);
    const started = performance.now();
    let images = 0;
    const totalImages = epochsOf(experiment).length * size;
    const progress = () => {
      const seconds = (performance.now() - started) / 1000;
      return { images, totalImages, seconds };
    };
    const work = async () => {
      for (const batch of batches) {
        // Features and logits are kept together: one brings both.
        await client.extract(batch, new Set(['logits']), signal);
        images += batch.indices.length;
        onBatch(progress());
      }
    };
    await Promise.all(Array.from({ length: requests }, work));
    return progress();
  } finally {
    client.close();
  }
}

/** The epochs whose views differ; one without a number if none do. */
function epochsOf({ training }: Experiment): readonly (number | undefined)[] {
  if (training.augmentation === 'none') return [undefined];
  return Array.from({ length: training.epochs }, (_, epoch) => epoch + 1);
}

/** Shared by all who ask for the next one. */
function* batchesOf(
  experiment: Experiment,
  size: number,
  maxBatchSize: number,
): Generator<BatchRef> {
  const length = Math.min(maxBatchSize, largestBatch);
  for (const epoch of epochsOf(experiment)) {
    for (let first = 0; first < size; first += length) {
      const count = Math.min(length, size - first);
      const indices = Array.from({ length: count }, (_, i) => first + i);
      yield { split: 'train', indices, epoch };
    }
  }
}
