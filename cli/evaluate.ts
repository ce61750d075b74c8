import type { Dataset } from '#distill/data/dataset.js';
import type { ModelManifest } from '#runtime/checkpoint/manifest.js';
import { Classifier } from '#runtime/classifier.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { readNetwork } from './trained-network.js';

export interface EvaluationOptions {
  readonly datasets: Readonly<Record<string, string>>;
  /** Instead of the data set that the network was trained on. */
  readonly dataset: string | undefined;
  readonly engine: EngineChoice;
}

export interface EvaluationResult {
  readonly network: string;
  readonly dataset: string;
  readonly engine: string;
  readonly correct: number;
  readonly total: number;
  /** correct / total */
  readonly accuracy: number;
}

/** Measures the network of a checkpoint on a test split, in this process. */
export async function evaluateModel(
  checkpoint: string,
  options: EvaluationOptions,
): Promise<EvaluationResult> {
  const { network, manifest, tensors } = await readNetwork(checkpoint);
  const name = options.dataset ?? manifest.dataset;
  const dataset = await openDatasets(options.datasets).get(name);
  requireSameKind(dataset, manifest);
  const engine = await createEngine(options.engine);
  try {
    const classifier = await Classifier.create(
      engine,
      network,
      // Judged as it was trained: with the normalisation of its own images.
      { ...dataset, normalization: manifest.normalization },
      tensors,
    );
    const classes = await classifier.classes();
    const test = dataset.split('test');
    const correct = classes.filter((c, i) => c === test.label(i)).length;
    const total = classes.length;
    const accuracy = correct / total;
    return {
      ...{ network: network.name, dataset: name, engine: engine.name },
      ...{ correct, total, accuracy },
    };
  } finally {
    await engine.dispose();
  }
}

/** Other images and other classes would give a number that means nothing. */
function requireSameKind(
  { name, imageShape, classNames }: Dataset,
  manifest: ModelManifest,
): void {
  const kindOf = (shape: readonly number[], classCount: number) =>
    `images of ${shape.join(' x ')} in ${classCount} classes`;
  const expected = kindOf(manifest.imageShape, manifest.classCount);
  const actual = kindOf(imageShape, classNames.length);
  if (actual === expected) return;
  const value = `${name} (${actual})`;
  throw new InvalidRequestError({ field: 'dataset', value, expected });
}
