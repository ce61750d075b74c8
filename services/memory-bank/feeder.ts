import { createHash } from 'node:crypto';
import {
  BankBacklogError,
  BatchConflictError,
  InvalidRequestError,
} from '#runtime/errors.js';

/** One rank's rows of one step of one run. */
export interface Batch {
  readonly runId: string;
  readonly step: number;
  readonly rank: number;
  /** float32 [n, featDim], n >= 1; kept, so nobody may write to it. */
  readonly rows: Float32Array;
  /** W3C trace context of the call; empty if it was not traced. */
  readonly traceparent: string;
}

/** All ranks' rows of one step, in rank order. */
export interface CompleteStep {
  readonly runId: string;
  readonly step: number;
  readonly batches: readonly Float32Array[];
  /** Of the batch that made the step complete. */
  readonly traceparent: string;
}

export interface FeederLimits {
  /** Steps that may be in, counted from the next to be committed. */
  readonly maxPendingSteps: number;
  /** Bytes of rows waiting; the next step's own rows are always taken. */
  readonly maxPendingBytes: number;
  /** Committed steps whose batches are still recognised when sent again. */
  readonly rememberedSteps: number;
}

interface Step {
  readonly digests: (string | undefined)[];
  readonly batches: (Float32Array | undefined)[];
  missing: number;
  traceparent: string;
}

/**
 * The batches of one run on their way into a queue: collects all ranks of a
 * step and lets steps go in order, whatever order they come in.
 */
export class Feeder {
  readonly #worldSize: number;
  readonly #limits: FeederLimits;
  /** Steps by number: pending ones, and digests of those committed lately. */
  readonly #steps = new Map<number, Step>();
  #nextStep: number;
  #pendingBatches = 0;
  #pendingBytes = 0;

  constructor(firstStep: number, worldSize: number, limits: FeederLimits) {
    this.#nextStep = firstStep;
    this.#worldSize = worldSize;
    this.#limits = limits;
  }

  /** The step that goes next. */
  get nextStep(): number {
    return this.#nextStep;
  }

  get pendingBatches(): number {
    return this.#pendingBatches;
  }

  /**
   * Takes a batch; false if the very same one was taken before.
   * @throws BatchConflictError, BankBacklogError, InvalidRequestError
   */
  add(batch: Batch): boolean {
    const digest = digestOf(batch.rows);
    const known = this.#steps.get(batch.step)?.digests[batch.rank];
    if (known !== undefined) {
      if (known === digest) return false;
      throw new BatchConflictError({ batchId: describe(batch) });
    }
    this.#checkRoom(batch);
    const step = this.#steps.get(batch.step) ?? this.#open(batch.step);
    step.digests[batch.rank] = digest;
    step.batches[batch.rank] = batch.rows;
    step.traceparent = batch.traceparent;
    step.missing--;
    this.#pendingBatches++;
    this.#pendingBytes += batch.rows.byteLength;
    return true;
  }

  /** The next step, if all its ranks are in; it then counts as committed. */
  take(runId: string): CompleteStep | undefined {
    const number = this.#nextStep;
    const step = this.#steps.get(number);
    if (step === undefined || step.missing > 0) return undefined;
    const batches = step.batches.splice(0).map((rows) => rows!);
    for (const { byteLength } of batches) this.#pendingBytes -= byteLength;
    this.#pendingBatches -= batches.length;
    this.#steps.delete(number - this.#limits.rememberedSteps);
    this.#nextStep++;
    return { runId, step: number, batches, traceparent: step.traceparent };
  }

  #open(number: number): Step {
    const step = {
      digests: [],
      batches: [],
      missing: this.#worldSize,
      traceparent: '',
    };
    this.#steps.set(number, step);
    return step;
  }

  #checkRoom({ step, rows }: Batch): void {
    const { maxPendingSteps, maxPendingBytes } = this.#limits;
    if (step < this.#nextStep) {
      // Committed so long ago that nobody knows its rows any more.
      throw new InvalidRequestError({
        field: 'batch_id.step',
        value: step,
        expected: `a step from ${this.#nextStep} on`,
      });
    }
    const tooFar = step >= this.#nextStep + maxPendingSteps;
    const tooMuch =
      step > this.#nextStep &&
      this.#pendingBytes + rows.byteLength > maxPendingBytes;
    if (tooFar || tooMuch) {
      const pendingSteps = step - this.#nextStep;
      throw new BankBacklogError({ pendingSteps });
    }
  }
}

function digestOf({ buffer, byteOffset, byteLength }: Float32Array): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return createHash('sha256').update(bytes).digest('base64');
}

function describe({ runId, step, rank }: Batch): string {
  return `(run ${runId}, step ${step}, rank ${rank})`;
}
