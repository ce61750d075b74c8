import type { ImageShape, Normalization } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { isMapName, partsOf } from '#distill/map-names.js';
import type { MapName, MapShape } from '#distill/methods/method.js';
import { createNetwork, isNetworkName } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import type { ConvPrecision } from '#distill/ops/autocast.js';
import { sizeOf, type NamedHostTensors } from '#distill/tensors.js';
import {
  encodeSafetensors,
  modelManifestSchema,
  readCheckpoint,
  type ModelManifest,
} from '#runtime/checkpoint/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { CorruptFileError, DomainError } from '#runtime/errors.js';
import type {
  Extracted,
  ExtractorDescription,
  FeatureExtractor,
} from './extractor.js';
import { MapPrograms } from './map-programs.js';
import { probeImages } from './probe-images.js';
import { SizedPrograms, type Forward } from './sized-programs.js';
import { teacherDigest } from './teacher-digest.js';

/** Uncompiled parts of a teacher. */
interface Parts {
  readonly network: Network;
  readonly tensors: NamedHostTensors;
  readonly imageShape: ImageShape;
  readonly engine: Engine;
  readonly precision: ConvPrecision;
  readonly folder: string;
  readonly normalization: Normalization;
  readonly maxBatchSize: number;
}

/** A network of the zoo with the weights of a checkpoint, on an engine. */
export class NetworkExtractor implements FeatureExtractor {
  private readonly mapPrograms: MapPrograms;
  private shapes: Promise<readonly MapShape[]> | undefined;

  private constructor(
    readonly description: ExtractorDescription,
    private readonly parts: Parts,
    private readonly programs: SizedPrograms,
  ) {
    this.mapPrograms = new MapPrograms((maps) => programsOf(parts, maps));
  }

  /**
   * Loads the model in `folder`.
   * @throws CorruptFileError if it is no whole checkpoint of a known network
   * @throws EngineUnavailableError if the engine's results depend on the batch
   */
  static async load(
    folder: string,
    engine: Engine,
    maxBatchSize: number,
    precision: ConvPrecision = 'float32',
  ): Promise<NetworkExtractor> {
    const { tensors, manifest } = await readCheckpoint(
      folder,
      modelManifestSchema,
    );
    const { imageShape, normalization } = manifest;
    const network = networkOf(manifest, folder);
    const parts: Parts = {
      ...{ network, tensors, imageShape, engine, precision },
      ...{ folder, normalization, maxBatchSize },
    };
    const programs = await programsOf(parts, noMaps);
    const description = {
      network: network.name,
      featureDim: network.featureDim,
      classCount: network.classCount,
      imageShape,
      engine: engineText(engine, precision),
    };
    const { truth } = programs;
    const digest = teacherDigest({
      description,
      normalization,
      weights: encodeSafetensors(tensors),
      truth,
    });
    return new NetworkExtractor({ ...description, digest }, parts, programs);
  }

  async extract(
    images: Uint8Array,
    maps: ReadonlySet<MapName>,
  ): Promise<Extracted> {
    const programs =
      maps.size === 0 ? this.programs : await this.mapPrograms.get(maps);
    return programs.run(normalize(images, this.parts.normalization));
  }

  /** Of either kind: it has both. */
  mapShapes(): Promise<readonly MapShape[]> {
    this.shapes ??= mapShapesOf(this.parts).catch((error: unknown) => {
      this.shapes = undefined;
      throw error;
    });
    return this.shapes;
  }
}

const noMaps: ReadonlySet<MapName> = new Set();

/** Part of the digest: another precision is another teacher. */
function engineText({ name, version }: Engine, precision: ConvPrecision) {
  const text = `${name} (${version})`;
  return precision === 'float32' ? text : `${text}, ${precision}`;
}

function programsOf(
  parts: Parts,
  maps: ReadonlySet<MapName>,
): Promise<SizedPrograms> {
  const { imageShape, normalization, maxBatchSize, engine } = parts;
  return SizedPrograms.create({
    compile: (batchSize) => compile(parts, batchSize, maps),
    imageShape,
    probes: normalize(probeImages(imageShape), normalization),
    maxBatchSize,
    engine: engine.name,
  });
}

/** One pass of one image, on the engine: others may be slow with it. */
async function mapShapesOf(parts: Parts): Promise<readonly MapShape[]> {
  const { network, imageShape, engine, tensors } = parts;
  const program = createForwardProgram(network, imageShape, 1, {
    wanted: (name) => name.startsWith('maps.'),
  });
  const executable = await engine.compile(program, tensors);
  try {
    const shape = [1, ...imageShape];
    const data = new Float32Array(sizeOf(shape));
    const outputs = await executable.run({ images: { shape, data } });
    return Object.keys(outputs)
      .filter(isMapName)
      .sort((a, b) => partsOf(a).index - partsOf(b).index)
      .map((name) => outputs[name]!.shape.slice(1) as unknown as MapShape);
  } finally {
    executable.dispose();
  }
}

function networkOf({ network, classCount }: ModelManifest, path: string) {
  if (isNetworkName(network)) return createNetwork(network, classCount);
  throw new CorruptFileError({ path, problem: `no network named ${network}` });
}

async function compile(
  { network, tensors, imageShape, engine, precision, folder: path }: Parts,
  batchSize: number,
  maps: ReadonlySet<MapName>,
): Promise<Forward> {
  const program = createForwardProgram(network, imageShape, batchSize, {
    wanted: (name) => maps.has(name),
    precision,
  });
  const executable = await engine
    .compile(program, tensors)
    .catch((cause: unknown) => {
      // Names or shapes of the file's tensors are not the network's.
      if (!(cause instanceof DomainError)) throw cause;
      if (cause.status !== 'INVALID_ARGUMENT') throw cause;
      throw new CorruptFileError({ path, problem: cause.message }, { cause });
    });
  return {
    async run(images) {
      const { features, logits, ...rest } = await executable.run({ images });
      if (features && logits) return { features, logits, ...rest };
      throw new Error('the program has other outputs');
    },
    dispose: () => executable.dispose(),
  };
}
