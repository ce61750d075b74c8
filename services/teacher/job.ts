import type { MapName, TeacherTensor } from '#distill/methods/method.js';
import type { Precision } from '#distill/precision.js';
import type { HostTensor } from '#distill/tensors.js';
import type { MapOverflow, StoredMaps } from './stored-maps.js';

/** What a teacher can answer. */
export type JobOutput = TeacherTensor | 'similarities';

/** One request, checked, as it goes to the extracting thread. */
export interface Job {
  /** Stored or finished images, uint8 [count, H, W, C]. */
  readonly images: Uint8Array;
  readonly count: number;
  /** The views to take of stored images; without it they are taken as is. */
  readonly views?: Views;
  readonly outputs: ReadonlySet<JobOutput>;
  /** There exactly when `outputs` has embeddings. */
  readonly projection?: ProjectionKey;
  /** What maps are rounded to; float32 without it. */
  readonly mapPrecision?: Precision;
}

/** Crop-flip views of samples: a pure function of these. */
export interface Views {
  readonly seed: number;
  readonly epoch: number;
  readonly indices: readonly number[];
}

export interface ProjectionKey {
  readonly seed: number;
  readonly featDim: number;
}

/**
 * What was asked for, rows in the order of the job's samples; or nothing but an
 * overflow, which fails this job and none of its batch mates.
 */
export type JobResult = Readonly<
  Partial<Record<Exclude<JobOutput, MapName>, HostTensor>>
> &
  StoredMaps & { readonly overflow?: MapOverflow };
