/** The part of a data set that a run learns from or is judged by. */
export type Split = 'train' | 'test';

/** [height, width, channels] */
export type ImageShape = readonly [number, number, number];

/** Mean and standard deviation per channel, of pixel values scaled to [0, 1]. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Labelled uint8 images of one size. Pure access; loading lives in runtime/data. */
export interface Dataset {
  /** The name that samples are referred to by. */
  readonly name: string;
  readonly imageShape: ImageShape;
  readonly classNames: readonly string[];
  readonly normalization: Normalization;
  /**
   * Covers names, sizes, labels, the decoder's version and decoded probe
   * images: two ends with equal digests rebuild equal pixels.
   */
  readonly digest: string;
  /**
   * Samples of each training shard, for sets that lie in shards and are best
   * read in the order of `shardOrder`.
   */
  readonly shardSizes?: readonly number[];
  split(split: Split): DatasetSplit;
}

/** What the views of an epoch (from 1) depend on, beside the sample. */
export interface ViewKey {
  readonly seed: number;
  readonly epoch: number;
}

export interface DatasetSplit {
  readonly size: number;
  label(index: number): number;
  /** Decoded images, uint8, one after another: [indices.length, H, W, C]. */
  images(indices: readonly number[], signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * The views that `resizedCropOf` draws, uint8 [indices.length, H, W, C].
   * Only sets that keep the original images have them.
   */
  readonly resizedCrops?: (
    indices: readonly number[],
    view: ViewKey,
    signal?: AbortSignal,
  ) => Promise<Uint8Array>;
}
