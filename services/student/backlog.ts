import type { Commit, QueueSnapshot } from '#distill/queue.js';

/** What the bank committed for one step. */
export interface Committed extends Commit {
  /** Where they belong, in a memory of all samples. */
  readonly slots: readonly number[];
  /** W3C trace context of the commit; empty if it was not traced. */
  readonly traceparent: string;
}

/** The queue as a step shall see it. */
export interface QueueNews {
  /** What the queue is first, if the mirror had fallen too far behind. */
  readonly snapshot?: QueueSnapshot;
  /** What no earlier step was given, in order. */
  readonly commits: readonly Committed[];
  /** Steps whose commits are still missing. */
  readonly lag: number;
}

/** How far a queue is, as a run sees it. */
export interface RunPlace {
  readonly version: number;
  /** The first step of the run whose commit the queue lacks. */
  readonly nextStep: number;
}

/** Own steps whose versions are known: more than can be asked for again. */
const rememberedSteps = 1024;

/**
 * The commits of a queue that have arrived and that no step was given yet. A
 * step sees the queue at the version of its own commit, whatever arrived behind
 * it, so that how far the bank is ahead changes nothing.
 */
export class Backlog {
  readonly #start: RunPlace;
  /** By version, in order. */
  readonly #commits = new Map<number, Committed>();
  /** Of the run's own steps, in order. */
  readonly #versions = new Map<number, number>();
  #snapshot: QueueSnapshot | undefined;
  #nextStep: number;
  /** Of the newest snapshot: no step is given less. */
  #floor: RunPlace;
  #values = 0;
  /** The newest step that asked, and the newest version that was given. */
  #asked = -1;
  #given: number;

  constructor(start: RunPlace) {
    this.#start = start;
    this.#nextStep = start.nextStep;
    this.#floor = start;
    this.#given = start.version;
  }

  /** The step whose commit has yet to arrive. */
  get nextStep(): number {
    return this.#nextStep;
  }

  /** Rows of commits that are held, in values. */
  get values(): number {
    return this.#values;
  }

  /** @param step of the run, if the commit is its own */
  add(commit: Committed, step: number | undefined): void {
    this.#commits.set(commit.version, commit);
    this.#values += commit.rows.length;
    if (step === undefined) return;
    this.#nextStep = step + 1;
    this.#versions.set(step, commit.version);
    this.#versions.delete(step - rememberedSteps);
  }

  /** The mirror fell behind: all that it had is part of a newer snapshot. */
  replace(snapshot: QueueSnapshot, nextStep: number): void {
    this.#commits.clear();
    this.#values = 0;
    this.#snapshot = snapshot;
    this.#floor = { version: snapshot.version, nextStep };
    this.#nextStep = Math.max(this.#nextStep, nextStep);
  }

  /**
   * All up to the version of `step`, or of the newest step before it that has
   * one, that no earlier step was given; again, where the step is taken again,
   * until a later one asks.
   */
  newsFor(step: number): QueueNews {
    if (step > this.#asked) this.#forget(this.#given);
    this.#asked = Math.max(this.#asked, step);
    const newest = Math.min(step, this.#nextStep - 1);
    const own = this.#versions.get(newest) ?? 0;
    const version = Math.max(own, this.#floor.version);
    this.#given = Math.max(this.#given, version);
    const snapshot = this.#snapshot;
    const commits = [...this.#commits.values()];
    return {
      ...(snapshot && { snapshot }),
      commits: commits.filter((commit) => commit.version <= version),
      lag: step - newest,
    };
  }

  /** The run's first step whose commit the queue at `version` lacks. */
  stepAfter(version: number): number {
    const isNewer = version >= this.#floor.version;
    let step = (isNewer ? this.#floor : this.#start).nextStep;
    for (const [own, at] of this.#versions)
      if (at <= version) step = Math.max(step, own + 1);
    return step;
  }

  #forget(version: number): void {
    if (this.#snapshot && this.#snapshot.version <= version)
      this.#snapshot = undefined;
    for (const commit of this.#commits.values()) {
      if (commit.version > version) break;
      this.#commits.delete(commit.version);
      this.#values -= commit.rows.length;
    }
  }
}
