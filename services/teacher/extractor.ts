import type { ImageShape } from '#distill/data/dataset.js';
import type { MapKind, MapName, MapShape } from '#distill/methods/method.js';
import type { HostTensor } from '#distill/tensors.js';

/**
 * A frozen teacher: images in; features, logits and maps out, in eval mode. A
 * sample's output is a function of the sample alone, to the last bit: not of
 * its batch mates, nor of its place or the size of the batch.
 */
export interface FeatureExtractor {
  readonly description: ExtractorDescription;
  /**
   * @param images uint8 [N, H, W, C], N at least 1
   * @param maps those that are wanted; they must be there
   */
  extract(images: Uint8Array, maps: ReadonlySet<MapName>): Promise<Extracted>;
  /** Shapes of the maps of a kind, in order; none if it has no such maps. */
  mapShapes(kind: MapKind): Promise<readonly MapShape[]>;
}

export interface Extracted {
  /** Pooled penultimate activations, float32 [N, featureDim]. */
  readonly features: HostTensor;
  /** Scores before the softmax, float32 [N, classCount]. */
  readonly logits: HostTensor;
  /** Those that were wanted, float32 [N, h, w, c]. */
  readonly [map: MapName]: HostTensor;
}

export interface ExtractorDescription {
  readonly network: string;
  readonly featureDim: number;
  readonly classCount: number;
  readonly imageShape: ImageShape;
  /** Name and version of the engine. */
  readonly engine: string;
  /** Equal digests: equal bytes for equal samples. */
  readonly digest: string;
}
