import { createHash } from 'node:crypto';
import type { StoredRows } from '#distill/precision.js';
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
  /** [n, featDim], n >= 1; kept, so nobody may write to it. */
  readonly rows: StoredRows;
  /** Whose embeddings they are, in a memory of all samples. */
  readonly slots?: readonly number[];
  /** W3C trace context of the call; empty if it was not traced. */
  readonly traceparent: string;
}

/** What a step keeps of a batch. */
export type Rows = Pick<Batch, 'rows' | 'slots'>;

/** All ranks' rows of one step, in rank order. */
export interface CompleteStep {
  readonly runId: string;
  readonly step: number;
  readonly batches: readonly Rows[];
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

/** A committed step, as far as later batches must be compared with it. */
export interface CommittedStep {
  readonly step: number;
  /** SHA-256 of each rank's rows and slots, base64. */
  readonly digests: readonly string[];
}

/** What a feeder must know to go on, besides its pending batches. */
export interface FeederProgress {
  readonly nextStep: number;
  readonly committed: readonly CommittedStep[];
}

interface Step {
  readonly digests: (string | undefined)[];
  readonly batches: (Rows | undefined)[];
  /** By rank: whether the batch may be committed. */
  readonly settled: boolean[];
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

  /** @param progress where to go on; a new run starts at its first step */
  constructor(
    progress: FeederProgress,
    worldSize: number,
    limits: FeederLimits,
  ) {
    this.#nextStep = progress.nextStep;
    this.#worldSize = worldSize;
    this.#limits = limits;
    for (const { step, digests } of progress.committed) {
      const known = this.#open(step);
      known.digests.push(...digests);
      known.missing = 0;
    }
  }

  /** The step that goes next. */
  get nextStep(): number {
    return this.#nextStep;
  }

  get pendingBatches(): number {
    return this.#pendingBatches;
  }

  /** Where this run stands; its pending batches are not part of it. */
  get progress(): FeederProgress {
    const committed = [...this.#steps]
      .filter(([step]) => step < this.#nextStep)
      .map(([step, { digests }]) => ({ step, digests: digests.map((d) => d!) }))
      .sort((a, b) => a.step - b.step);
    return { nextStep: this.#nextStep, committed };
  }

  /** Settled batches whose steps are not complete yet. */
  pending(runId: string): Batch[] {
    return [...this.#steps].flatMap(
      ([step, { batches, settled, traceparent }]) =>
        batches.flatMap((batch, rank) =>
          batch && settled[rank]
            ? [{ runId, step, rank, ...batch, traceparent }]
            : [],
        ),
    );
  }

  /**
   * Takes a batch; false if the very same one was taken before. It counts
   * towards its step only once it is settled.
   * @throws BatchConflictError, BankBacklogError, InvalidRequestError
   */
  add(batch: Batch): boolean {
    const digest = digestOf(batch);
    const known = this.#steps.get(batch.step)?.digests[batch.rank];
    if (known !== undefined) {
      if (known === digest) return false;
      throw new BatchConflictError({ batchId: describe(batch) });
    }
    this.#checkRoom(batch);
    const step = this.#steps.get(batch.step) ?? this.#open(batch.step);
    step.digests[batch.rank] = digest;
    const { rows, slots } = batch;
    step.batches[batch.rank] = { rows, ...(slots && { slots }) };
    this.#pendingBatches++;
    this.#pendingBytes += batch.rows.byteLength;
    return true;
  }

  /** A batch that was taken may be committed from now on. */
  settle({ step: number, rank, traceparent }: Batch): void {
    const step = this.#steps.get(number)!;
    step.settled[rank] = true;
    step.traceparent = traceparent;
    step.missing--;
  }

  /** Forgets a batch that was taken and not settled. */
  withdraw({ step: number, rank, rows }: Batch): void {
    const step = this.#steps.get(number)!;
    step.digests[rank] = undefined;
    step.batches[rank] = undefined;
    this.#pendingBatches--;
    this.#pendingBytes -= rows.byteLength;
    if (step.batches.every((batch) => !batch)) this.#steps.delete(number);
  }

  /** Forgets what is pending; steps before `step` will not come. */
  goOnFrom(step: number): void {
    for (const number of [...this.#steps.keys()])
      if (number >= this.#nextStep) this.#steps.delete(number);
    this.#pendingBatches = 0;
    this.#pendingBytes = 0;
    this.#nextStep = Math.max(this.#nextStep, step);
  }

  /** The next step, if all its ranks are in; it then counts as committed. */
  take(runId: string): CompleteStep | undefined {
    const number = this.#nextStep;
    const step = this.#steps.get(number);
    if (step === undefined || step.missing > 0) return undefined;
    const batches = step.batches.splice(0).map((batch) => batch!);
    for (const { rows } of batches) this.#pendingBytes -= rows.byteLength;
    this.#pendingBatches -= batches.length;
    this.#steps.delete(number - this.#limits.rememberedSteps);
    this.#nextStep++;
    return { runId, step: number, batches, traceparent: step.traceparent };
  }

  #open(number: number): Step {
    const step: Step = {
      digests: [],
      batches: [],
      settled: [],
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

function digestOf({ rows, slots }: Rows): string {
  const { buffer, byteOffset, byteLength } = rows;
  const hash = createHash('sha256');
  hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  if (slots) hash.update(Uint32Array.from(slots));
  return hash.digest('base64');
}

function describe({ runId, step, rank }: Batch): string {
  return `(run ${runId}, step ${step}, rank ${rank})`;
}
