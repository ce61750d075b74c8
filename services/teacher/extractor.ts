import type { ImageShape } from '#distill/data/dataset.js';
import type { HostTensor } from '#distill/tensors.js';

/**
 * A frozen teacher: images in, features and logits out, in eval mode. A
 * sample's output is a function of the sample alone, to the last bit: not of
 * its batch mates, nor of its place or the size of the batch.
 */
export interface FeatureExtractor {
  readonly description: ExtractorDescription;
  /** @param images uint8 [N, H, W, C], N at least 1 */
  extract(images: Uint8Array): Promise<Extracted>;
}

export interface Extracted {
  /** Pooled penultimate activations, float32 [N, featureDim]. */
  readonly features: HostTensor;
  /** Scores before the softmax, float32 [N, classCount]. */
  readonly logits: HostTensor;
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
