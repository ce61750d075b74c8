import { dataSeedOf, type Experiment } from '#distill/experiment.js';
import { openDatasets } from '#runtime/data/index.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { connect } from '#runtime/rpc/client.js';
import type { ClientTls } from '#runtime/rpc/options.js';

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

const augmentations = {
  none: 'AUGMENTATION_NONE',
  'crop-flip': 'AUGMENTATION_CROP_FLIP',
  'random-resized-crop': 'AUGMENTATION_RANDOM_RESIZED_CROP',
} as const;

/**
 * Asks a teacher for everything that a run is going to ask it for, so that it
 * has it in its cache: each training image in its view of each epoch.
 * @throws InvalidRequestError for an experiment without a teacher
 * @throws DatasetNotFoundError, DatasetMismatchError if the teacher lacks the data
 */
export async function precompute(
  experiment: Experiment,
  { teacher, tls, datasets, signal, onBatch }: PrecomputeOptions,
): Promise<PrecomputeProgress> {
  const { training } = experiment;
  const model = modelOf(experiment);
  const dataset = await openDatasets(datasets).get(experiment.dataset);
  const { size } = dataset.split('train');
  const refs = {
    ...{ dataset: dataset.name, datasetDigest: dataset.digest },
    split: 'SPLIT_TRAIN' as const,
    augmentation: augmentations[training.augmentation],
    augmentationSeed: dataSeedOf(training),
  };
  const client = connect('rrd.v1.TeacherService', teacher, { tls });
  try {
    const { maxBatchSize } = await client.describe(
      { model, dataset: dataset.name, datasetDigest: dataset.digest },
      { deadlineMs: describeMs, signal },
    );
    const batches = batchesOf(experiment, size, maxBatchSize);
    const started = performance.now();
    const totalImages = epochsOf(experiment).length * size;
    let images = 0;
    const progress = () => {
      const seconds = (performance.now() - started) / 1000;
      return { images, totalImages, seconds };
    };
    const work = async () => {
      for (const { epoch, indices } of batches) {
        await client.extract(
          {
            ...{ model, client: 'precompute' },
            refs: { ...refs, epoch, indices },
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

/** The epochs whose views differ; one if none do. */
function epochsOf({ training }: Experiment): readonly number[] {
  if (training.augmentation === 'none') return [0];
  return Array.from({ length: training.epochs }, (_, epoch) => epoch + 1);
}

interface Batch {
  readonly epoch: number;
  readonly indices: number[];
}

/** Shared by all who ask for the next one. */
function* batchesOf(
  experiment: Experiment,
  size: number,
  maxBatchSize: number,
): Generator<Batch> {
  const length = Math.min(maxBatchSize, largestBatch);
  for (const epoch of epochsOf(experiment)) {
    for (let first = 0; first < size; first += length) {
      const count = Math.min(length, size - first);
      const indices = Array.from({ length: count }, (_, i) => first + i);
      yield { epoch, indices };
    }
  }
}
