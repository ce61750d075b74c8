import {
  InvalidRequestError,
  RunNotJoinedError,
  StaleEpochError,
} from '#runtime/errors.js';
import {
  type Batch,
  Feeder,
  type FeederLimits,
  type FeederProgress,
} from './feeder.js';
import type { QueueSpec } from './queue-spec.js';

export interface MemberLimits extends FeederLimits {
  /** Runs that may feed one queue. */
  readonly maxRuns: number;
}

/** A run that joins a shared queue, or goes on in it under a higher epoch. */
export interface Membership {
  readonly runId: string;
  /** Fences older owners of the run. */
  readonly epoch: number;
  /** The step that the run goes on with. */
  readonly nextStep: number;
}

/** Where a member stands; in a queue that is not shared it has no epoch. */
export interface MemberProgress extends FeederProgress {
  readonly epoch?: number;
}

interface Member {
  readonly feeder: Feeder;
  epoch: number | undefined;
  /** A change of it is on its way to the disk: no batch is taken meanwhile. */
  isChanging: boolean;
}

/**
 * The runs that feed one queue. A shared one takes those that have joined it,
 * each under an epoch of its own; any other takes whoever has its epoch.
 *
 * Joining and leaving are changes in two parts, as batches are: whoever keeps
 * them on a disk does that in between.
 */
export class Members {
  readonly #spec: QueueSpec;
  readonly #firstStep: number;
  readonly #limits: MemberLimits;
  readonly #members = new Map<string, Member>();

  /** @param firstStep the step that runs start with, if they do not say */
  constructor(spec: QueueSpec, firstStep: number, limits: MemberLimits) {
    this.#spec = spec;
    this.#firstStep = firstStep;
    this.#limits = limits;
  }

  /** Takes back the runs of an earlier process. */
  resume(runs: Readonly<Record<string, MemberProgress>>): void {
    for (const [runId, { epoch, ...progress }] of Object.entries(runs)) {
      const feeder = this.#feeder(progress);
      this.#members.set(runId, { feeder, epoch, isChanging: false });
    }
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get pendingBatches(): number {
    return [...this.#members.values()].reduce(
      (sum, { feeder }) => sum + feeder.pendingBatches,
      0,
    );
  }

  /** Settled batches that wait for others. */
  get pending(): Batch[] {
    return [...this.#members].flatMap(([runId, { feeder }]) =>
      feeder.pending(runId),
    );
  }

  get progress(): Readonly<Record<string, MemberProgress>> {
    const runs: Record<string, MemberProgress> = {};
    for (const [runId, { feeder, epoch }] of this.#members) {
      if (epoch !== undefined) runs[runId] = { ...feeder.progress, epoch };
      // A run that is still joining is no member yet.
      else if (!this.#spec.shared) runs[runId] = feeder.progress;
    }
    return runs;
  }

  /** Those that have joined. */
  get joined(): Membership[] {
    return [...this.#members].flatMap(([runId, { feeder, epoch }]) =>
      epoch === undefined ? [] : [{ runId, epoch, nextStep: feeder.nextStep }],
    );
  }

  /** The step that the run's next commit will be for. */
  nextStepOf(runId: string): number {
    return this.#members.get(runId)?.feeder.nextStep ?? this.#firstStep;
  }

  /**
   * The epoch that the run's batches must have.
   * @param own the queue's
   * @throws RunNotJoinedError
   */
  epochOf(runId: string, own: number): number {
    if (!this.#spec.shared) return own;
    const member = this.#members.get(runId);
    if (member?.epoch !== undefined) return member.epoch;
    throw this.#notJoined(runId);
  }

  /**
   * Takes a batch; false if the very same one was taken before.
   * @throws RunNotJoinedError, and what the feeder refuses
   */
  add(batch: Batch): boolean {
    const { runId } = batch;
    const member = this.#members.get(runId) ?? this.#newMember(runId);
    if (member.isChanging) throw this.#notJoined(runId);
    const isNew = member.feeder.add(batch);
    // Only now: a run whose batches are all refused takes no room.
    this.#members.set(runId, member);
    return isNew;
  }

  /** Of a run whose batch was taken. */
  feederOf(runId: string): Feeder {
    return this.#members.get(runId)!.feeder;
  }

  /**
   * From here on older epochs of the run are refused. False if it has joined
   * under this epoch already; else the change must be settled or withdrawn.
   * @throws StaleEpochError, RunNotJoinedError while another change is on its
   *   way, InvalidRequestError
   */
  acceptJoin({ runId, epoch, nextStep }: Membership): boolean {
    const present = this.#members.get(runId);
    if (present?.isChanging) throw this.#notJoined(runId);
    const current = present?.epoch;
    if (current !== undefined && epoch < current)
      throw new StaleEpochError({ epoch, current });
    if (current === epoch) return false;
    if (present) present.isChanging = true;
    else {
      this.#requireRoom('member.run_id', runId);
      const feeder = this.#feeder({ nextStep, committed: [] });
      this.#members.set(runId, { feeder, epoch: undefined, isChanging: true });
    }
    return true;
  }

  /** The run goes on from its step, or from the one behind its last commit. */
  settleJoin({ runId, epoch, nextStep }: Membership): void {
    const member = this.#members.get(runId)!;
    member.feeder.goOnFrom(nextStep);
    member.epoch = epoch;
    member.isChanging = false;
  }

  withdrawJoin({ runId }: Membership): void {
    const member = this.#members.get(runId)!;
    member.isChanging = false;
    if (member.epoch === undefined) this.#members.delete(runId);
  }

  /**
   * False if the run has not joined; else it must be settled or withdrawn.
   * @throws StaleEpochError, RunNotJoinedError while another change is on its way
   */
  acceptLeave(runId: string, epoch = Infinity): boolean {
    const member = this.#members.get(runId);
    if (member?.isChanging) throw this.#notJoined(runId);
    const current = member?.epoch;
    if (member === undefined || current === undefined) return false;
    if (epoch < current) throw new StaleEpochError({ epoch, current });
    member.isChanging = true;
    return true;
  }

  settleLeave(runId: string): void {
    this.#members.delete(runId);
  }

  withdrawLeave(runId: string): void {
    this.#members.get(runId)!.isChanging = false;
  }

  #newMember(runId: string): Member {
    if (this.#spec.shared) throw this.#notJoined(runId);
    this.#requireRoom('batch_id.run_id', runId);
    const feeder = this.#feeder({ nextStep: this.#firstStep, committed: [] });
    return { feeder, epoch: undefined, isChanging: false };
  }

  #feeder(progress: FeederProgress): Feeder {
    return new Feeder(progress, this.#spec.worldSize, this.#limits);
  }

  #requireRoom(field: string, value: string): void {
    const { maxRuns } = this.#limits;
    if (this.#members.size < maxRuns) return;
    const expected = `one of at most ${maxRuns} runs of a queue`;
    throw new InvalidRequestError({ field, value, expected });
  }

  #notJoined(run: string): RunNotJoinedError {
    return new RunNotJoinedError({ queue: this.#spec.queue, run });
  }
}
