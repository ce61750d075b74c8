import type { ImageShape } from '#distill/data/dataset.js';
import type { Network } from '#distill/models/network.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import { exportGraph } from '../export.js';
import { encodeModel } from '../model.js';
import { loadOnnxRuntime, type OnnxRuntime } from '../onnxruntime.js';
import { openSession } from '../session.js';
import { leastCosine, meanDivergence } from '../../deviation.js';
import { calibrate } from './calibrate.js';
import { int8Graph, layersOf } from './int8-graph.js';

export interface QuantiseOptions {
  readonly imageShape: ImageShape;
  /** Images that show which numbers come up: float32 [n, 3, H, W] each. */
  readonly batches: readonly HostTensor[];
  /** The least cosine of an image's features with those in float32. */
  readonly featureCosine: number;
  /** Other images, to judge the outcome on. */
  readonly heldOut: HostTensor;
}

export interface QuantisedModel {
  /** The ONNX file; see `exportOnnx`. */
  readonly model: Uint8Array;
  readonly layers: number;
  /** Layers that stay float32, by the names of their weights. */
  readonly kept: readonly string[];
  /** The least of the images that were held out. */
  readonly featureCosine: number;
  /** Mean KL of their predictions from those in float32, nats. */
  readonly logitsKl: number;
}

/**
 * A network in int8, as far as its features allow: layers that cost most are
 * kept in float32, one after another, until the features are near enough.
 *
 * @throws EngineUnavailableError without onnxruntime-node
 */
export async function quantise(
  network: Network,
  tensors: NamedHostTensors,
  { imageShape, batches, featureCosine: goal, heldOut }: QuantiseOptions,
): Promise<QuantisedModel> {
  const runtime = await loadOnnxRuntime();
  const options = { imageShape, foldBatchNorm: true };
  const exported = exportGraph(network, tensors, options);
  const { graph, inputs, outputs } = exported;
  const ranges = await calibrate(runtime, exported, batches);
  const encoded = (kept?: ReadonlySet<string>) =>
    encodeModel(
      kept ? int8Graph(graph, { ranges, kept }) : graph,
      inputs,
      outputs,
      { name: network.name },
    );
  const outputsOf = (images: HostTensor, kept?: ReadonlySet<string>) =>
    run(runtime, encoded(kept), images);
  const probe = batches[0]!;
  const truth = await outputsOf(probe);
  const cosineWith = async (kept: ReadonlySet<string>) =>
    leastCosine(
      (await outputsOf(probe, kept)).features,
      truth.features,
      probe.shape[0]!,
    );
  const layers = layersOf(graph);
  const kept = await keptLayers(layers, cosineWith, goal);
  const [expected, found] = [
    await outputsOf(heldOut),
    await outputsOf(heldOut, kept),
  ];
  const count = heldOut.shape[0]!;
  return {
    model: encoded(kept),
    layers: layers.length,
    kept: [...kept],
    featureCosine: leastCosine(found.features, expected.features, count),
    logitsKl: meanDivergence(found.logits, expected.logits, count),
  };
}

type Judge = (kept: ReadonlySet<string>) => Promise<number>;

/** The fewest layers, costliest first, without which the goal is reached. */
async function keptLayers(
  layers: readonly string[],
  cosineWith: Judge,
  goal: number,
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  if ((await cosineWith(kept)) >= goal) return kept;
  for (const layer of await byCost(layers, cosineWith)) {
    kept.add(layer);
    if ((await cosineWith(kept)) >= goal) break;
  }
  return kept;
}

/** Layers, the one first that alone in int8 moves the features most. */
async function byCost(
  layers: readonly string[],
  cosineWith: Judge,
): Promise<readonly string[]> {
  const cosines = new Map<string, number>();
  for (const layer of layers) {
    const others = layers.filter((other) => other !== layer);
    cosines.set(layer, await cosineWith(new Set(others)));
  }
  return layers.toSorted((a, b) => cosines.get(a)! - cosines.get(b)!);
}

async function run(
  runtime: OnnxRuntime,
  model: Uint8Array,
  { data, shape }: HostTensor,
) {
  const session = await openSession(runtime, model);
  try {
    const images = new runtime.Tensor('float32', data, shape);
    const fetches = { features: null, logits: null };
    const { features, logits } = await session.run({ images }, fetches);
    return { features: features!.data, logits: logits!.data };
  } finally {
    await session.release();
  }
}
