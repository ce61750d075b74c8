import { applyView, viewOf } from '#distill/data/augment.js';
import type { Dataset, DatasetSplit } from '#distill/data/dataset.js';
import { epochOrder } from '#distill/data/order.js';
import { rngFrom } from '#distill/data/rng.js';
import { LinearProbe } from '#distill/linear-probe.js';
import { learningRateAt } from '#distill/schedule.js';
import { sizeOf } from '#distill/tensors.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { Forward } from '#runtime/forward.js';
import { readNetwork, requireSameImages } from './trained-network.js';

export interface TransferOptions {
  readonly datasets: Readonly<Record<string, string>>;
  readonly dataset: string;
  readonly engine: EngineChoice;
  readonly epochs: number;
  readonly seed: number;
  /** Random crops and flips; without them features are computed once. */
  readonly augment: boolean;
  readonly signal: AbortSignal;
  readonly onEpoch: (epoch: number, loss: number) => void;
}

export interface TransferResult {
  readonly network: string;
  readonly dataset: string;
  readonly epochs: number;
  readonly correct: number;
  readonly total: number;
  readonly accuracy: number;
}

const batchSize = 64;
const probe = { momentum: 0.9, weightDecay: 5e-4 };

/**
 * The paper's transfer experiment: the network of a checkpoint is frozen (eval
 * mode, running statistics included) and a new linear classifier learns a data
 * set from its features, by SGD at 0.05 that drops tenfold after each quarter
 * of the epochs (120 in the paper: after 30, 60 and 90).
 */
export async function transfer(
  checkpoint: string,
  options: TransferOptions,
): Promise<TransferResult> {
  const { signal } = options;
  const { network, tensors, manifest } = await readNetwork(checkpoint);
  const datasets = openDatasets(options.datasets, { signal });
  const dataset = await datasets.get(options.dataset);
  requireSameImages(dataset, manifest);
  const engine = await createEngine(options.engine);
  try {
    const forward = await Forward.create(engine, network, dataset, tensors);
    const classCount = dataset.classNames.length;
    const classifier = new LinearProbe(
      { ...probe, featureDim: network.featureDim, classCount },
      rngFrom(options.seed, 'linear probe'),
    );
    await train(classifier, forward, dataset, options);
    const { features } = await forward.test(dataset);
    const test = dataset.split('test');
    const classes = classifier.classes(features.data);
    const correct = classes.filter((c, i) => c === test.label(i)).length;
    const [total, epochs] = [test.size, options.epochs];
    return {
      ...{ network: network.name, dataset: dataset.name, epochs },
      ...{ correct, total, accuracy: correct / total },
    };
  } finally {
    await engine.dispose();
  }
}

async function train(
  classifier: LinearProbe,
  forward: Forward,
  dataset: Dataset,
  { epochs, seed, augment, signal, onEpoch }: TransferOptions,
): Promise<void> {
  const split = dataset.split('train');
  const milestones = [1, 2, 3].map((i) => Math.round((i * epochs) / 4));
  const schedule = { learningRate: 0.05, decay: 0.1, milestones };
  const known = new Map<number, Float32Array>();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = epochOrder(seed, epoch, split.size);
    let [loss, batches] = [0, 0];
    for (let start = 0; start < order.length; start += batchSize) {
      signal.throwIfAborted();
      const indices = [...order.subarray(start, start + batchSize)];
      const features = augment
        ? await forward.run(await views(split, dataset, seed, epoch, indices))
        : await remembered(known, forward, split, indices);
      const labels = indices.map((index) => split.label(index));
      const rate = learningRateAt(epoch, schedule);
      loss += classifier.step(dataOf(features), labels, rate);
      batches += 1;
    }
    onEpoch(epoch, loss / batches);
  }
}

type Features = Awaited<ReturnType<Forward['run']>> | Float32Array;

function dataOf(features: Features): ArrayLike<number> {
  return 'features' in features ? features.features.data : features;
}

async function views(
  split: DatasetSplit,
  { imageShape }: Dataset,
  seed: number,
  epoch: number,
  indices: readonly number[],
): Promise<Uint8Array> {
  const stored = await split.images(indices);
  const out = new Uint8Array(stored.length);
  const size = sizeOf(imageShape);
  indices.forEach((index, row) => {
    const [from, to] = [row * size, (row + 1) * size];
    const image = stored.subarray(from, to);
    const view = viewOf(seed, epoch, index);
    applyView(image, imageShape, view, out.subarray(from, to));
  });
  return out;
}

/** Features of stored images, each computed once. [indices.length, width] */
async function remembered(
  known: Map<number, Float32Array>,
  forward: Forward,
  split: DatasetSplit,
  indices: readonly number[],
): Promise<Float32Array> {
  const missing = indices.filter((index) => !known.has(index));
  if (missing.length > 0) {
    const { features } = await forward.run(await split.images(missing));
    const width = features.shape[1]!;
    missing.forEach((index, row) => {
      const data = features.data.slice(row * width, (row + 1) * width);
      known.set(index, data as Float32Array);
    });
  }
  const width = known.get(indices[0]!)!.length;
  const out = new Float32Array(indices.length * width);
  indices.forEach((index, row) => out.set(known.get(index)!, row * width));
  return out;
}
