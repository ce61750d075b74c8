import { join } from 'node:path';
import { channelsFirst } from '#distill/data/channels-first.js';
import { normalize } from '#distill/data/normalize.js';
import type { MapShape } from '#distill/methods/method.js';
import type { HostTensor } from '#distill/tensors.js';
import {
  loadOnnxRuntime,
  type OnnxRuntime,
  type Session,
} from '#runtime/compute/onnx/onnxruntime.js';
import { openSession } from '#runtime/compute/onnx/session.js';
import { CorruptFileError, EngineUnavailableError } from '#runtime/errors.js';
import type {
  Extracted,
  ExtractorDescription,
  FeatureExtractor,
} from './extractor.js';
import { type OnnxModel, readOnnxModel } from '#runtime/onnx-model.js';
import { probeImages } from './probe-images.js';
import { type Forward, SizedPrograms } from './sized-programs.js';
import { teacherDigest } from './teacher-digest.js';

/** Any ONNX file with pooled features and logits, in ONNX Runtime. */
export class OnnxExtractor implements FeatureExtractor {
  private constructor(
    readonly description: ExtractorDescription,
    private readonly model: OnnxModel,
    private readonly programs: SizedPrograms,
  ) {}

  /**
   * Loads the model that `model.yaml` in `folder` defines.
   * @throws ConfigInvalidError for a definition that is wrong
   * @throws CorruptFileError if the file is no such model
   * @throws EngineUnavailableError without ONNX Runtime or a provider
   */
  static async load(
    folder: string,
    maxBatchSize: number,
  ): Promise<OnnxExtractor> {
    const { model, bytes } = await readOnnxModel(folder);
    const { shape: imageShape, mean, std } = model.images;
    const normalization = { mean, std };
    const runtime = await loadOnnxRuntime();
    const path = join(folder, model.file);
    const session = await open(runtime, bytes, model, path);
    checkNames(session, model, path);
    const forward = forwardOf(runtime, session, model, path);
    const probes = normalize(probeImages(imageShape), normalization);
    const engine = `onnx (${model.executionProviders.join(', ')})`;
    const programs = await SizedPrograms.create({
      compile: () => Promise.resolve(forward), // one session for all sizes
      ...{ imageShape, probes, maxBatchSize, engine },
    });
    const { features, logits } = await programs.run(probes);
    const description = {
      network: model.network,
      featureDim: features.shape[1]!,
      classCount: logits.shape[1]!,
      imageShape,
      engine: `${engine}, onnxruntime-node ${runtime.env.versions.node}`,
    };
    const digest = teacherDigest({
      ...{ description, normalization, weights: bytes },
      truth: programs.truth,
    });
    return new OnnxExtractor({ ...description, digest }, model, programs);
  }

  extract(images: Uint8Array): Promise<Extracted> {
    const { mean, std } = this.model.images;
    return this.programs.run(normalize(images, { mean, std }));
  }

  /** It has none that we know of. */
  mapShapes(): Promise<readonly MapShape[]> {
    return Promise.resolve([]);
  }
}

async function open(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  { executionProviders }: OnnxModel,
  path: string,
): Promise<Session> {
  const wanted = `execution providers ${executionProviders.join(', ')}`;
  const known = runtime.listSupportedBackends().map(({ name }) => name);
  const missing = executionProviders.find((name) => !known.includes(name));
  if (missing !== undefined) {
    const problem = `${wanted}: this onnxruntime-node has no ${missing}`;
    throw new EngineUnavailableError({ engine: 'onnx', problem });
  }
  try {
    return await openSession(runtime, bytes, executionProviders);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (executionProviders.every((name) => name === 'cpu'))
      throw new CorruptFileError({ path, problem: reason }, { cause });
    const problem = `${wanted}: ${reason}`;
    throw new EngineUnavailableError({ engine: 'onnx', problem }, { cause });
  }
}

/** @throws CorruptFileError for a name that the file does not have */
function checkNames(
  { inputNames, outputNames }: Session,
  { images, outputs }: OnnxModel,
  path: string,
): void {
  const check = (what: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    const problem = `it has no ${what} ${name}, but ${known.join(', ')}`;
    throw new CorruptFileError({ path, problem });
  };
  check('input', images.input, inputNames);
  for (const name of Object.values(outputs)) check('output', name, outputNames);
}

function forwardOf(
  runtime: OnnxRuntime,
  session: Session,
  { images: input, outputs }: OnnxModel,
  path: string,
): Forward {
  const feed = ({ shape, data }: HostTensor) => {
    if (input.layout === 'NHWC')
      return new runtime.Tensor('float32', data, shape);
    const [height, width, channels] = input.shape;
    const moved = channelsFirst(data as Float32Array, input.shape);
    const dims = [shape[0]!, channels, height, width];
    return new runtime.Tensor('float32', moved, dims);
  };
  const fetches = { [outputs.features]: null, [outputs.logits]: null };
  return {
    async run(images) {
      const results = await session
        .run({ [input.input]: feed(images) }, fetches)
        .catch((cause: unknown) => {
          const problem = `it does not run: ${String(cause)}`;
          throw new CorruptFileError({ path, problem }, { cause });
        });
      const output = (name: string): HostTensor => {
        const { dims: shape, data } = results[name]!;
        const isRow = shape.length === 2 && shape[0] === images.shape[0];
        if (isRow && data instanceof Float32Array) return { shape, data };
        const problem = `output ${name} is [${shape.join()}], expected float32 [${images.shape[0]}, n]`;
        throw new CorruptFileError({ path, problem });
      };
      const { features, logits } = outputs;
      return { features: output(features), logits: output(logits) };
    },
    dispose: () => void session.release(),
  };
}
