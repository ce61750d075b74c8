import type { ImageShape, Normalization } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork, isNetworkName } from '#distill/models/index.js';
import type { Network } from '#distill/models/network.js';
import { sizeOf, type NamedHostTensors } from '#distill/tensors.js';
import {
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
import { probeCount, SizedPrograms, type Forward } from './sized-programs.js';
import { teacherDigest } from './teacher-digest.js';

/** Uncompiled parts of a teacher. */
interface Parts {
  readonly network: Network;
  readonly tensors: NamedHostTensors;
  readonly imageShape: ImageShape;
  readonly engine: Engine;
}

/** A network of the zoo with the weights of a checkpoint, on an engine. */
export class NetworkExtractor implements FeatureExtractor {
  private constructor(
    readonly description: ExtractorDescription,
    private readonly normalization: Normalization,
    private readonly programs: SizedPrograms,
  ) {}

  /**
   * Loads the model in `folder`.
   * @throws CorruptFileError if it is no whole checkpoint of a known network
   * @throws EngineUnavailableError if the engine's results depend on the batch
   */
  static async load(
    folder: string,
    engine: Engine,
    maxBatchSize: number,
  ): Promise<NetworkExtractor> {
    const { tensors, manifest } = await readCheckpoint(
      folder,
      modelManifestSchema,
    );
    const { imageShape, normalization } = manifest;
    const network = networkOf(manifest, folder);
    const parts: Parts = { network, tensors, imageShape, engine };
    const programs = await SizedPrograms.create({
      compile: (batchSize) => compile(parts, batchSize, folder),
      imageShape,
      probes: normalize(randomImages(imageShape), normalization),
      maxBatchSize,
      engine: engine.name,
    });
    const description = {
      network: network.name,
      featureDim: network.featureDim,
      classCount: network.classCount,
      imageShape,
      engine: `${engine.name} (${engine.version})`,
    };
    const { truth } = programs;
    const digest = teacherDigest({
      description,
      normalization,
      tensors,
      truth,
    });
    return new NetworkExtractor(
      { ...description, digest },
      normalization,
      programs,
    );
  }

  extract(images: Uint8Array): Promise<Extracted> {
    return this.programs.run(normalize(images, this.normalization));
  }
}

function networkOf({ network, classCount }: ModelManifest, path: string) {
  if (isNetworkName(network)) return createNetwork(network, classCount);
  throw new CorruptFileError({ path, problem: `no network named ${network}` });
}

async function compile(
  { network, tensors, imageShape, engine }: Parts,
  batchSize: number,
  path: string,
): Promise<Forward> {
  const program = createForwardProgram(network, imageShape, batchSize);
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
      const { features, logits } = await executable.run({ images });
      if (features && logits) return { features, logits };
      throw new Error('the program has other outputs');
    },
    dispose: () => executable.dispose(),
  };
}

/** The same noise everywhere: uint8 [probeCount, H, W, C]. */
function randomImages(imageShape: ImageShape): Uint8Array {
  const rng = rngFrom(0, 'teacher-probe');
  return Uint8Array.from({ length: probeCount * sizeOf(imageShape) }, () =>
    rng.integer(256),
  );
}
