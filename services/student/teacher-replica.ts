import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable } from '#runtime/rpc/retry.js';
import { isAbsence } from './patiently.js';
import type { TeacherDescription, TeacherDoor } from './teacher-door.js';

export interface ReplicaListener {
  /** It has proved to be the run's teacher and gets its share of the work. */
  joined(address: string): void;
  /** It was there and is gone; the others do its work. */
  lost(address: string, error: unknown): void;
  /** It is there and must not be used. */
  refused(address: string, error: unknown): void;
}

/** What the replicas of one teacher share. */
export interface ReplicaSurroundings {
  /** A replica may have to load model and data set before it can answer. */
  readonly describeMs: number;
  readonly listener: ReplicaListener;
  /** Ends all attempts to join. */
  readonly signal: AbortSignal;
  /** Throws if the description is not that of the run's teacher. */
  admit(address: string, description: TeacherDescription): void;
  /** The replica's state has changed. */
  changed(): void;
}

/** How often a refused replica is asked again: another may have come. */
const refusedMs = 5_000;
const longestAwayMs = 1_000;

/**
 * One teacher of several equal ones. It gets calls while it is `ready`, which
 * it becomes by describing itself, with model and data set loaded; whenever it
 * fails to answer it has to join again in that way.
 */
export class Replica {
  state: 'joining' | 'ready' | 'refused' = 'joining';
  /** Why it was refused. */
  refusal: unknown;
  #calls = 0;
  #leaving = false;

  constructor(
    readonly address: string,
    readonly door: TeacherDoor,
    private readonly around: ReplicaSurroundings,
  ) {}

  get ready(): boolean {
    return this.state === 'ready' && !this.#leaving;
  }

  /** Resolves after the first attempt; others follow in the background. */
  async join(afterMs = 0): Promise<void> {
    const { signal, describeMs: deadlineMs } = this.around;
    if (afterMs > 0) {
      const options = { signal, ref: false };
      await sleep(afterMs, undefined, options).catch(() => undefined);
    }
    if (signal.aborted || this.#leaving) return;
    try {
      const description = await this.door.describe({ signal, deadlineMs });
      this.around.admit(this.address, description);
      this.#become('ready');
      this.around.listener.joined(this.address);
    } catch (error) {
      if (signal.aborted) return;
      const away = isAbsence(error) || isRetryable(error);
      if (away) this.#become('joining');
      else this.#becomeRefused(error);
      const awayMs = Math.min(100 + 2 * afterMs, longestAwayMs);
      void this.join(away ? awayMs : refusedMs);
    }
  }

  async use<T>(attempt: (door: TeacherDoor) => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await attempt(this.door);
    } finally {
      this.#calls--;
      this.#closeIfUnused();
    }
  }

  /** It did not answer a call. */
  lose(error: unknown): void {
    if (this.state !== 'ready') return;
    this.#become('joining');
    this.around.listener.lost(this.address, error);
    void this.join();
  }

  /** It turned out to be another teacher. */
  refuse(error: unknown): void {
    if (this.state !== 'ready') return;
    this.#becomeRefused(error);
    void this.join(refusedMs);
  }

  /** It gets no more calls, and is closed when those under way have ended. */
  leave(): void {
    this.#leaving = true;
    this.#closeIfUnused();
  }

  #becomeRefused(error: unknown): void {
    const known = this.state === 'refused';
    this.refusal = error;
    this.#become('refused');
    if (!known) this.around.listener.refused(this.address, error);
  }

  #become(state: Replica['state']): void {
    this.state = state;
    this.around.changed();
  }

  #closeIfUnused(): void {
    if (this.#leaving && this.#calls === 0) this.door.close();
  }
}
