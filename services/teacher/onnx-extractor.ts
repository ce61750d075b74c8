import { join } from 'node:path';
import { normalize } from '#distill/data/normalize.js';
import type { MapKind, MapName, MapShape } from '#distill/methods/method.js';
import {
  loadOnnxRuntime,
  type OnnxRuntime,
  type Session,
} from '#runtime/compute/onnx/onnxruntime.js';
import { openSession } from '#runtime/compute/onnx/session.js';
import { CorruptFileError, EngineUnavailableError } from '#runtime/errors.js';
import { type OnnxModel, readOnnxModel } from '#runtime/onnx-model.js';
import type {
  Extracted,
  ExtractorDescription,
  FeatureExtractor,
} from './extractor.js';
import { MapPrograms } from './map-programs.js';
import {
  checkNames,
  forwardOf,
  mapShapesOf,
  type OpenModel,
} from './onnx-forward.js';
import { probeImages } from './probe-images.js';
import { probeCount, SizedPrograms } from './sized-programs.js';
import { teacherDigest } from './teacher-digest.js';

/** Any ONNX file with pooled features, logits and maps, in ONNX Runtime. */
export class OnnxExtractor implements FeatureExtractor {
  private readonly mapPrograms: MapPrograms;

  private constructor(
    readonly description: ExtractorDescription,
    private readonly model: OnnxModel,
    private readonly programs: SizedPrograms,
    create: (maps: ReadonlySet<MapName>) => Promise<SizedPrograms>,
    private readonly shapes: readonly MapShape[],
  ) {
    this.mapPrograms = new MapPrograms(create);
  }

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
    const opened: OpenModel = { runtime, session, model, path };
    checkNames(opened);
    const probes = normalize(probeImages(imageShape), normalization);
    const engine = `onnx (${model.executionProviders.join(', ')})`;
    const create = (maps: ReadonlySet<MapName>) =>
      SizedPrograms.create({
        compile: async () => forwardOf(opened, maps),
        ...{ imageShape, probes, maxBatchSize, engine },
      });
    const programs = await create(new Set());
    const { features, logits } = await programs.run(probes);
    const shape = [probeCount, ...imageShape];
    const shapes = await mapShapesOf(opened, { shape, data: probes });
    const description = {
      network: model.network,
      featureDim: features.shape[1]!,
      classCount: logits.shape[1]!,
      imageShape,
      engine: `${engine}, onnxruntime-node ${runtime.env.versions.node}`,
    };
    const digest = teacherDigest({
      description: { ...description, ...mapsOf(model) },
      ...{ normalization, weights: bytes, truth: programs.truth },
    });
    const described = { ...description, digest };
    return new OnnxExtractor(described, model, programs, create, shapes);
  }

  async extract(
    images: Uint8Array,
    maps: ReadonlySet<MapName>,
  ): Promise<Extracted> {
    const { mean, std } = this.model.images;
    const programs =
      maps.size === 0 ? this.programs : await this.mapPrograms.get(maps);
    return programs.run(normalize(images, { mean, std }));
  }

  async mapShapes(kind: MapKind): Promise<readonly MapShape[]> {
    return this.model.outputs[kind].length > 0 ? this.shapes : [];
  }
}

/** What decides its maps; a model without them is known by the rest. */
function mapsOf({ images, outputs }: OnnxModel) {
  const { maps, preactivations, layout = images.layout } = outputs;
  return maps.length > 0 ? { maps, preactivations, layout } : {};
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
