import { setImmediate as turn } from 'node:timers/promises';
import {
  correlationDifference,
  logitCorrelation,
} from '#distill/analysis/correlation.js';
import { tsne, tsneDefaults } from '#distill/analysis/tsne.js';
import type { Dataset } from '#distill/data/dataset.js';
import { createEngine } from '#runtime/compute/index.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import { Forward, spread } from '#runtime/forward.js';
import { readNetwork, requireSameImages } from '../trained-network.js';
import { heatmap } from './heatmap.js';
import { scatter } from './scatter.js';

export interface PlotOptions {
  readonly datasets: Readonly<Record<string, string>>;
  /** Instead of the data set that the network was trained on. */
  readonly dataset: string | undefined;
  readonly engine: EngineChoice;
  readonly signal: AbortSignal;
}

/** A network's logits for test images, and what the images show. */
interface Seen {
  readonly network: string;
  readonly dataset: Dataset;
  readonly labels: readonly number[];
  /** [labels.length, classCount] */
  readonly logits: ArrayLike<number>;
  readonly classCount: number;
}

async function see(
  checkpoint: string,
  { datasets, dataset: wanted, engine: choice, signal }: PlotOptions,
  samples = Infinity,
): Promise<Seen> {
  const { network, tensors, manifest } = await readNetwork(checkpoint);
  const open = openDatasets(datasets, { signal });
  const dataset = await open.get(wanted ?? manifest.dataset);
  requireSameImages(dataset, manifest);
  const engine = await createEngine(choice);
  try {
    const images = { ...dataset, normalization: manifest.normalization };
    const forward = await Forward.create(engine, network, images, tensors);
    const test = dataset.split('test');
    // Files in folders come class by class: the first would be of few.
    const indices = spread(samples, test.size);
    const { logits } = await forward.test(images, indices);
    const labels = indices.map((index) => test.label(index));
    const { name, classCount } = network;
    return { network: name, dataset, labels, logits: logits.data, classCount };
  } finally {
    await engine.dispose();
  }
}

/** t-SNE of a network's logits, as the paper's figure has it. */
export async function plotTsne(
  checkpoint: string,
  options: PlotOptions & {
    readonly samples: number;
    readonly iterations: number;
    readonly seed: number;
  },
): Promise<string> {
  const { signal, samples, iterations, seed } = options;
  const seen = await see(checkpoint, options, samples);
  const { labels, logits, dataset } = seen;
  const settings = { ...tsneDefaults, iterations, seed };
  const places = await tsne(logits, labels.length, settings, async () => {
    await turn(); // so that Ctrl-C is heard
    signal.throwIfAborted();
  });
  const title = `${seen.network}: t-SNE of the logits of ${labels.length} test images`;
  return scatter(title, places, labels, dataset.classNames);
}

export interface CorrelationPlot {
  readonly svg: string;
  readonly mean: number;
  readonly max: number;
}

/** How far the student's correlations of classes are from the teacher's. */
export async function plotCorrelation(
  studentCheckpoint: string,
  teacherCheckpoint: string,
  options: PlotOptions,
): Promise<CorrelationPlot> {
  const student = await see(studentCheckpoint, options);
  const teacher = await see(teacherCheckpoint, options);
  const matrixOf = ({ logits, labels, classCount }: Seen) =>
    logitCorrelation(logits, labels, classCount);
  const difference = correlationDifference(
    matrixOf(student),
    matrixOf(teacher),
    student.classCount,
  );
  const mean = difference.reduce((a, b) => a + b, 0) / difference.length;
  const max = difference.reduce((a, b) => Math.max(a, b), 0);
  const title = `${student.network} against ${teacher.network}`;
  const caption = `|student - teacher| of class-logit correlations: mean ${mean.toFixed(3)}, max ${max.toFixed(3)}`;
  return { svg: heatmap(title, difference, caption), mean, max };
}
