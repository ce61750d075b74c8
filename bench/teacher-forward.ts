import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelsFirst } from '#distill/data/channels.js';
import type { ImageShape } from '#distill/data/dataset.js';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork, type NetworkName } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import type { ConvPrecision } from '#distill/ops/autocast.js';
import {
  type HostTensor,
  type NamedHostTensors,
  sizeOf,
} from '#distill/tensors.js';
import { encodeSafetensors } from '#runtime/checkpoint/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { loadOnnxRuntime } from '#runtime/compute/onnx/onnxruntime.js';
import { quantise } from '#runtime/compute/onnx/quantise/index.js';
import { openSession } from '#runtime/compute/onnx/session.js';
import { findPyTorch, prefixed, PyTorchPeer } from './pytorch.js';
import { leastCosine, meanDivergence } from '#runtime/compute/deviation.js';
import {
  inTurn,
  onEachEngine,
  onProcessor,
  printComparisons,
  ratiosOf,
  reportedLoad,
  threads,
  type Comparison,
  type Sides,
  type Timed,
} from './side-by-side.js';

/**
 * A teacher's forward on each engine that is present, in bfloat16 on TensorFlow and
 * in int8 on ONNX Runtime, beside PyTorch in eval mode: the same weights and images, how far
 * features and logits are apart, then times, taken in turn.
 */

export interface ForwardWorkload {
  readonly network: NetworkName;
  readonly classCount: number;
  readonly imageShape: ImageShape;
  readonly batchSize: number;
}

/** The teacher of the CIFAR-100 tables, and a batch of their runs. */
export const resnet32x4: ForwardWorkload = {
  ...{ network: 'resnet32x4', classCount: 100, imageShape: [32, 32, 3] },
  batchSize: 64,
};

/**
 * ImageNet's, on images of half its sides: 256 of them then take two cores
 * seconds, and what torch and we keep of a batch fits into some GiB.
 */
export const resnet34: ForwardWorkload = {
  ...{ network: 'resnet34', classCount: 1000, imageShape: [112, 112, 3] },
  batchSize: 64,
};

/** Images that calibrate int8, and as many that it is judged on. */
const calibrationImages = 64;

interface TeacherComparison extends Comparison {
  readonly engine: string;
  /** Of an image's features with PyTorch's: the least of the batch. */
  readonly featureCosine: number;
  /** KL of the predictions from PyTorch's, nats an image. */
  readonly logitsKl: number;
}

interface Outputs {
  readonly features: Float32Array;
  readonly logits: Float32Array;
}

/** `npm run bench -- teacher-forward`: `ratio.teacher` is the best engine's. */
export async function benchTeacherForward(
  { engines, halves, peer: device }: Sides = onProcessor,
  workload: ForwardWorkload = resnet32x4,
) {
  const { classCount, batchSize } = workload;
  const network = createNetwork(workload.network, classCount);
  const { python, version } = await findPyTorch();
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  let results: Partial<Record<Timed | 'bfloat16' | 'int8', TeacherComparison>>;
  const state = network.init(rngFrom(1, 'bench'));
  const images = noise('images', workload);
  try {
    const path = join(folder, 'forward.safetensors');
    const outputs = join(folder, 'outputs.f32');
    const all = {
      ...prefixed('state', state),
      ...prefixed('inputs', { images }),
    };
    await writeFile(path, encodeSafetensors(all, {}));
    const args = [path, outputs, String(threads), device];
    const openPeer = () => new PyTorchPeer(python, 'teacher_forward.py', args);
    const truthOf = async (peer: PyTorchPeer) => {
      await peer.run(1);
      const sizes = [network.featureDim, classCount] as const;
      return outputsOf(await readFile(outputs), batchSize, sizes);
    };
    const beside = (names: readonly Timed[], precision: ConvPrecision) =>
      onEachEngine(names, openPeer, async (name, engine, peer) => {
        const given = { engine, network, state, images, precision };
        const forward = await floatForward(given);
        return compare(name, forward, peer, await truthOf(peer), batchSize);
      });
    results = await beside(engines, 'float32');
    const { tensorflow } = await beside(halves, 'bfloat16');
    if (tensorflow) results.bfloat16 = tensorflow;
    if (results.onnx) {
      const peer = openPeer();
      const forward = await int8Forward(network, state, images);
      const truth = await truthOf(peer);
      results.int8 = await compare('onnx', forward, peer, truth, batchSize);
      await peer.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  printComparisons(version, results, {
    'feature cosine': ({ featureCosine }) => featureCosine.toFixed(7),
    'logits KL': ({ logitsKl }) => logitsKl.toExponential(0),
  });
  const load = reportedLoad();
  // int8 is the best of those that are near enough to count.
  const near = Object.values(results).filter((r) => r.featureCosine >= 0.999);
  const [best] = near.toSorted((a, b) => b.ratio - a.ratio);
  const ratio = { teacher: best?.ratio, ...ratiosOf(results) };
  const { featureCosine, logitsKl } = best ?? {};
  return {
    ...{ ratio, featureCosine, logitsKl, peer: `${version} (${device})` },
    ...{ threads, workload, load, results },
  };
}

interface MeasuredForward {
  readonly engine: string;
  run(): Promise<Outputs>;
  dispose(): Promise<void>;
}

async function compare(
  turns: Timed,
  forward: MeasuredForward,
  peer: PyTorchPeer,
  truth: Outputs,
  batchSize: number,
): Promise<TeacherComparison> {
  const { features, logits } = await forward.run();
  const step = async () => (await forward.run()).features[0]!;
  const comparison = await inTurn(turns, step, peer);
  await forward.dispose();
  return {
    ...comparison,
    engine: forward.engine,
    featureCosine: leastCosine(features, truth.features, batchSize),
    logitsKl: meanDivergence(logits, truth.logits, batchSize),
  };
}

async function floatForward({
  engine,
  network,
  state,
  images,
  precision,
}: {
  readonly engine: Engine;
  readonly network: Network;
  readonly state: NamedHostTensors;
  readonly images: HostTensor;
  readonly precision: ConvPrecision;
}): Promise<MeasuredForward> {
  const program = createForwardProgram(
    network,
    imageShapeOf(images),
    images.shape[0]!,
    { precision },
  );
  const executable = await engine.compile(program, state);
  return {
    engine: engine.version,
    async run() {
      const { features, logits } = await executable.run({ images });
      return dataOf({ features, logits });
    },
    dispose: async () => executable.dispose(),
  };
}

type Quantised = Awaited<ReturnType<typeof quantise>>;

/** Each network's, which is the same for all batch sizes. */
const quantised = new Map<string, Promise<Quantised>>();

/** Calibrated on other images. */
function quantisedOf(
  network: Network,
  state: NamedHostTensors,
  imageShape: ImageShape,
): Promise<Quantised> {
  const known = quantised.get(network.name);
  if (known) return known;
  const images = (seed: string) =>
    moved(noise(seed, { imageShape, batchSize: calibrationImages }));
  const made = quantise(network, state, {
    ...{ imageShape, batches: [images('calibration')] },
    ...{ heldOut: images('held'), featureCosine: 0.999 },
  });
  quantised.set(network.name, made);
  return made;
}

async function int8Forward(
  network: Network,
  state: NamedHostTensors,
  images: HostTensor,
): Promise<MeasuredForward> {
  const runtime = await loadOnnxRuntime();
  const imageShape = imageShapeOf(images);
  const made = await quantisedOf(network, state, imageShape);
  const { model, layers, kept } = made;
  const session = await openSession(runtime, model, ['cpu'], threads);
  return {
    engine: `onnxruntime-node ${runtime.env.versions.node} (cpu), ${layers - kept.length} of ${layers} layers in int8`,
    async run() {
      const { data, shape } = moved(images);
      const feed = new runtime.Tensor('float32', data, shape);
      const fetches = { features: null, logits: null };
      return dataOf(await session.run({ images: feed }, fetches));
    },
    dispose: () => session.release(),
  };
}

function dataOf(outputs: {
  readonly [name: string]: { readonly data: HostTensor['data'] } | undefined;
}): Outputs {
  const { features, logits } = outputs;
  const [a, b] = [features?.data, logits?.data];
  if (a instanceof Float32Array && b instanceof Float32Array)
    return { features: a, logits: b };
  throw new Error('the forward has other outputs');
}

/** Of [N, H, W, C]. */
function imageShapeOf({ shape }: HostTensor): ImageShape {
  const [, height, width, channels] = shape;
  return [height!, width!, channels!];
}

function moved(images: HostTensor): HostTensor {
  const imageShape = imageShapeOf(images);
  const [height, width, channels] = imageShape;
  return {
    shape: [images.shape[0]!, channels, height, width],
    data: channelsFirst(images.data as Float32Array, imageShape),
  };
}

/** Pixels of deviation 1. */
function noise(
  seed: string,
  { imageShape, batchSize }: Pick<ForwardWorkload, 'imageShape' | 'batchSize'>,
): HostTensor {
  const shape = [batchSize, ...imageShape];
  const rng = rngFrom(1, 'bench', seed);
  const data = Float32Array.from({ length: sizeOf(shape) }, () => rng.normal());
  return { shape, data };
}

/** @param sizes of a sample's features and logits */
function outputsOf(
  bytes: Buffer,
  batchSize: number,
  [featureDim, classCount]: readonly [number, number],
): Outputs {
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  const split = batchSize * featureDim;
  const logits = values.subarray(split);
  if (logits.length !== batchSize * classCount)
    throw new Error(`PyTorch wrote ${bytes.length} B`);
  return { features: values.subarray(0, split), logits };
}
