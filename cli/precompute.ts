import type { Split } from '#distill/data/dataset.js';
import { dataSeedOf, type Experiment, needsOf } from '#distill/experiment.js';
import type { Needs } from '#distill/methods/method.js';
import { phasesOf } from '#distill/phases.js';
import { redrawSeed, viewsOf } from '#distill/views.js';
import { openDatasets } from '#runtime/data/index.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { connect } from '#runtime/rpc/client.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { wireAugmentations, wireSplits } from '#runtime/rpc/wire-views.js';

export interface PrecomputeOptions {
  /** `host:port`; it must hold the data set. */
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

/** Loading a model and a data set may take its time; a batch may not. */
const describeMs = 300_000;
const extractMs = 60_000;

/**
 * Asks a teacher for what a run is going to ask it for by reference, so that it
 * has it in its cache: the test images, and each training image in its views of
 * each epoch that reads features or logits of them.
 * @throws InvalidRequestError for an experiment without a teacher
 * @throws DatasetNotFoundError, DatasetMismatchError if the teacher lacks the data
 */
export async function precompute(
  experiment: Experiment,
  { teacher, tls, datasets, signal, onBatch }: PrecomputeOptions,
): Promise<PrecomputeProgress> {
  const model = modelOf(experiment);
  const dataset = await openDatasets(datasets).get(experiment.dataset);
  const named = { dataset: dataset.name, datasetDigest: dataset.digest };
  const passes = passesOf(experiment).map((views) => {
    return { views, size: dataset.split(views.split).size };
  });
  const client = connect('rrd.v1.TeacherService', teacher, { tls });
  try {
    const { maxBatchSize } = await client.describe(
      { model, ...named },
      { deadlineMs: describeMs, signal },
    );
    const batches = batchesOf(passes, maxBatchSize);
    const started = performance.now();
    const totalImages = passes.reduce((sum, { size }) => sum + size, 0);
    let images = 0;
    const progress = () => {
      const seconds = (performance.now() - started) / 1000;
      return { images, totalImages, seconds };
    };
    const work = async () => {
      for (const { views, indices } of batches) {
        await client.extract(
          {
            ...{ model, client: 'precompute' },
            refs: { ...named, ...refsOf(views), indices },
            // Features and logits are kept together: one brings both.
            outputs: ['TEACHER_OUTPUT_LOGITS'],
          },
          { deadlineMs: extractMs, signal },
        );
        images += indices.length;
        onBatch(progress());
      }
    };
    await Promise.all(Array.from({ length: requests }, work));
    return progress();
  } finally {
    client.close();
  }
}

function modelOf({ teacher, name: value }: Experiment): string {
  if (teacher) return teacher.model;
  const expected = 'an experiment with a teacher';
  throw new InvalidRequestError({ field: 'experiment', value, expected });
}

/** One view of each image of a split. */
interface Views {
  readonly split: Split;
  readonly augmentation: Experiment['training']['augmentation'];
  readonly augmentationSeed: number;
  readonly epoch: number;
}

/** Those that a run reads and the cache can have, each once. */
function passesOf({ loss, training }: Experiment): readonly Views[] {
  const seed = dataSeedOf(training);
  const epochs = phasesOf({ loss, training }).flatMap(({ loss, epochs }) =>
    Array.from({ length: epochs }, () => seedsOf(needsOf({ loss }), seed)),
  );
  const drawn = epochs.flatMap((seeds, i) =>
    seeds.map((augmentationSeed) => ({ augmentationSeed, epoch: i + 1 })),
  );
  const { augmentation } = training;
  const different = augmentation === 'none' ? drawn.slice(0, 1) : drawn;
  return [
    { split: 'test', augmentation: 'none', augmentationSeed: 0, epoch: 0 },
    ...different.map((views) => {
      return { split: 'train' as const, augmentation, ...views };
    }),
  ];
}

function refsOf({ split, augmentation, ...views }: Views) {
  return {
    ...views,
    split: wireSplits[split],
    augmentation: wireAugmentations[augmentation],
  };
}

/** Of the views whose features or logits are read, without maps: those are not kept. */
function seedsOf({ teacher, maps, views = [] }: Needs, seed: number): number[] {
  const redrawn = views
    .filter(({ kind, teacher }) => kind === 'redraw' && teacher.size > 0)
    .flatMap(viewsOf)
    .map(({ number }) => redrawSeed(seed, number));
  return teacher.size > 0 && !maps ? [seed, ...redrawn] : redrawn;
}

interface Pass {
  readonly views: Views;
  readonly size: number;
}

interface Batch {
  readonly views: Views;
  readonly indices: number[];
}

/** Shared by all who ask for the next one. */
function* batchesOf(
  passes: readonly Pass[],
  maxBatchSize: number,
): Generator<Batch> {
  const length = Math.min(maxBatchSize, largestBatch);
  for (const { views, size } of passes) {
    for (let first = 0; first < size; first += length) {
      const count = Math.min(length, size - first);
      const indices = Array.from({ length: count }, (_, i) => first + i);
      yield { views, indices };
    }
  }
}
