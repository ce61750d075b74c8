import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork } from '#distill/models/index.js';
import { sizeOf, type NamedHostTensors } from '#distill/tensors.js';
import { encodeSafetensors } from '#runtime/checkpoint/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { findPyTorch, prefixed, PyTorchPeer } from './pytorch.js';
import { leastCosine, meanDivergence } from './deviation.js';
import {
  inTurn,
  onEachEngine,
  printComparisons,
  ratiosOf,
  reportedLoad,
  threads,
  type Comparison,
  type Timed,
} from './side-by-side.js';

/**
 * A teacher's forward on each engine that is present, beside PyTorch in eval
 * mode: the same weights and images, how far features and logits are apart,
 * then times, taken in turn.
 */

const workload = {
  network: 'resnet32x4',
  classCount: 100,
  batchSize: 64,
} as const;
const imageShape = [32, 32, 3] as const;
const { batchSize, classCount } = workload;
const network = createNetwork(workload.network, classCount);

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
export async function benchTeacherForward(): Promise<object> {
  const { python, version } = await findPyTorch();
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  let results: Partial<Record<Timed, TeacherComparison>>;
  const state = network.init(rngFrom(1, 'bench'));
  const images = noise();
  try {
    const path = join(folder, 'forward.safetensors');
    const outputs = join(folder, 'outputs.f32');
    const all = {
      ...prefixed('state', state),
      ...prefixed('inputs', { images }),
    };
    await writeFile(path, encodeSafetensors(all, {}));
    const args = [path, outputs, String(threads)];
    results = await onEachEngine(
      () => new PyTorchPeer(python, 'teacher_forward.py', args),
      async (name, engine, peer) => {
        await peer.run(1);
        const truth = outputsOf(await readFile(outputs));
        return compare(name, engine, peer, { state, images, truth });
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
  printComparisons(version, results, {
    'feature cosine': ({ featureCosine }) => featureCosine.toFixed(7),
    'logits KL': ({ logitsKl }) => logitsKl.toExponential(0),
  });
  const load = reportedLoad();
  const [best] = Object.values(results).toSorted((a, b) => b.ratio - a.ratio);
  const ratio = { teacher: best?.ratio, ...ratiosOf(results) };
  const { featureCosine, logitsKl } = best ?? {};
  return {
    ...{ ratio, featureCosine, logitsKl, peer: version },
    ...{ threads, workload, load, results },
  };
}

async function compare(
  name: Timed,
  engine: Engine,
  peer: PyTorchPeer,
  work: {
    readonly state: NamedHostTensors;
    readonly images: NamedHostTensors[string];
    readonly truth: Outputs;
  },
): Promise<TeacherComparison> {
  const { state, images, truth } = work;
  const program = createForwardProgram(network, [...imageShape], batchSize);
  const executable = await engine.compile(program, state);
  const forward = () => executable.run({ images });
  const { features, logits } = await forward();
  const comparison = await inTurn(
    name,
    async () => (await forward())['features']!.data[0]!,
    peer,
  );
  executable.dispose();
  return {
    ...comparison,
    engine: engine.version,
    featureCosine: leastCosine(features!.data, truth.features, batchSize),
    logitsKl: meanDivergence(logits!.data, truth.logits, batchSize),
  };
}

/** Pixels of deviation 1. */
function noise() {
  const shape = [batchSize, ...imageShape];
  const rng = rngFrom(1, 'bench', 'images');
  const data = Float32Array.from({ length: sizeOf(shape) }, () => rng.normal());
  return { shape, data };
}

function outputsOf(bytes: Buffer): Outputs {
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  const split = batchSize * network.featureDim;
  const logits = values.subarray(split);
  if (logits.length !== batchSize * classCount)
    throw new Error(`PyTorch wrote ${bytes.length} B`);
  return { features: values.subarray(0, split), logits };
}
