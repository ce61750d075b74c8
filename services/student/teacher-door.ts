import type { MapShape, TeacherTensor } from '#distill/methods/method.js';
import type { CallOptions } from '#runtime/rpc/client.js';
import type { BatchRef, TeacherOutputs } from './trainer-api.js';

/** What a teacher is; equal digests: equal bytes for equal samples. */
export interface TeacherDescription {
  readonly digest: string;
  readonly featureDim: number;
  readonly classCount: number;
  /** Samples in one call, at most. */
  readonly maxBatchSize: number;
  /** Empty unless the task says that maps are needed. */
  readonly mapShapes: readonly MapShape[];
}

/** One teacher process, behind whichever protocol it speaks. */
export interface TeacherDoor {
  /** Bytes of messages, both ways. */
  readonly bytes: number;
  /** Makes it ready for the run, which may take long; then what it is. */
  describe(options: CallOptions): Promise<TeacherDescription>;
  /** Outputs for a batch, in its order; only after `describe`. */
  extract(
    batch: BatchRef,
    outputs: ReadonlySet<TeacherTensor>,
    options: CallOptions,
  ): Promise<TeacherOutputs>;
  close(): void;
}
