import { isDeepStrictEqual } from 'node:util';
import type { Bus, JsonObject } from '#runtime/bus/bus.js';
import type { RunEvent } from '#runtime/bus/run-events.js';
import { BusFullError, RunAlreadyExistsError } from '#runtime/errors.js';
import { offersOf, queueOf, type AdmissionLimits } from './admission.js';
import type { AttemptFloor } from './attempt-floor.js';
import { Dispatcher } from './dispatcher.js';
import type { OrchestratorEvents } from './events.js';
import { Leases, type LeaseSettings } from './leases.js';
import { isFinal, type RunRecord } from './run-record.js';
import {
  speaksFor,
  transition,
  type StateEvent,
  type StatePolicy,
} from './run-state.js';
import { mayHaveHappened, type RunStore } from './run-store.js';

export interface SchedulerSettings
  extends LeaseSettings, StatePolicy, AdmissionLimits {
  /** Runs that may wait. */
  readonly maxQueued: number;
  /** Runs kept; beyond it the oldest that have ended are forgotten. */
  readonly maxRuns: number;
  /** A run that ended so long ago is forgotten; 0: not before `maxRuns`. */
  readonly finishedTtlMs: number;
}

export interface SchedulerOptions {
  readonly bus: Bus;
  readonly store: RunStore;
  readonly floor: AttemptFloor;
  readonly settings: SchedulerSettings;
  readonly events: OrchestratorEvents;
  /** Of the leader that this is; what it tells workers has it. */
  readonly epoch: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** What a user brings; `experiment` is resolved. */
export interface Submission {
  readonly runId: string;
  readonly experiment: JsonObject;
  readonly priority: number;
  readonly user: string;
}

const storeAttempts = 3;

/**
 * Applies what users, workers and time do to the runs, one change after the
 * other: the record is stored first, then workers are told. Waiting runs are
 * offered until that has succeeded, so a crash in between loses nothing.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #leases: Leases;
  readonly #dispatcher: Dispatcher;
  #turn: Promise<unknown> = Promise.resolve();
  /** The newest event heard. */
  #sequence = 0;
  #tickedMs = 0;
  #awakeSinceMs = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#leases = new Leases(options.settings);
    const { bus, events, epoch } = options;
    this.#dispatcher = new Dispatcher(bus, events, epoch);
  }

  /** @throws RunAlreadyExistsError, BusFullError, ServiceUnavailableError */
  submit(submission: Submission): Promise<RunRecord> {
    const { runId, experiment } = submission;
    return this.#inTurn(async () => {
      const { store } = this.#options;
      const known = store.find(runId);
      if (known) return sameExperiment(known, experiment);
      await this.#makeRoom();
      const record = this.#newRecord(submission);
      try {
        await store.create(record);
      } catch (error) {
        if (!mayHaveHappened(error)) throw error;
        await store.refresh(runId);
        const stored = store.find(runId);
        if (!stored) throw error;
        return sameExperiment(stored, experiment);
      }
      this.#options.events.submitted(record);
      await this.#dispatcher.announce(record);
      this.#leases.restart(record, this.#options.now());
      await this.#offerDue();
      return record;
    });
  }

  /**
   * What a user wants of a run.
   * @throws RunNotFoundError, ServiceUnavailableError
   */
  request(runId: string, wish: 'cancel' | 'pause' | 'resume') {
    return this.#inTurn(() =>
      this.#apply(runId, { type: `${wish}-requested` }),
    );
  }

  /**
   * A worker's event, which the log has at `sequence`. Runs that are not known
   * (any more) are passed over.
   * @throws ServiceUnavailableError where it was not stored
   */
  async hear(runId: string, event: RunEvent, sequence: number): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#options.store.find(runId)) {
        await this.#apply(runId, event, sequence);
      }
      this.#sequence = sequence;
    });
  }

  /** The work queue gave up an attempt at a run. */
  async drop(runId: string, attempt: number): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#options.store.find(runId)) return;
      await this.#apply(runId, { type: 'dropped', attempt });
    });
  }

  /** Draws the consequences of silence, and tells what was not told yet. */
  async tick(): Promise<void> {
    const { bus, store, settings, now } = this.#options;
    const nowMs = now();
    // A process that was suspended has not listened.
    if (nowMs - this.#tickedMs > settings.leaseMs / 2) {
      this.#awakeSinceMs = nowMs;
    }
    this.#tickedMs = nowMs;
    const { connected, sinceMs } = bus.connection();
    if (!connected) return;
    await this.#dispatcher.flush();
    const listeningSinceMs = Math.max(sinceMs, this.#awakeSinceMs);
    for (const { runId } of store.live()) {
      await this.#inTurn(async () => {
        const record = store.find(runId);
        if (!record) return;
        const event = this.#leases.judge(record, nowMs, listeningSinceMs);
        if (event) await this.#apply(runId, event);
      });
    }
    await this.#inTurn(() => this.#offerDue());
    await this.#forgetFinished(nowMs);
  }

  /**
   * Tells once more where the runs are: whoever stored that may have ended
   * before it was told. The bus knows what it has heard already.
   */
  async announceAll(): Promise<void> {
    for (const record of this.#options.store.live())
      await this.#inTurn(() => this.#dispatcher.announce(record));
  }

  /**
   * Takes in what another leader created when its lease was over already, and
   * which nobody was told.
   */
  adopt(): Promise<void> {
    return this.#inTurn(() => this.#options.store.discover());
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  /** @param sequence of the log, where the event comes from there */
  async #apply(
    runId: string,
    event: StateEvent,
    sequence?: number,
  ): Promise<RunRecord> {
    const { store, settings, now } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const before = store.get(runId);
      if (sequence !== undefined && sequence <= before.sequence) return before;
      const { record, stops } = transition(before, event, now(), settings);
      try {
        const after = await this.#save(before, record, sequence);
        this.#renewLease(before, after, event);
        const isMoved = after.transitions !== before.transitions;
        if (isMoved) await this.#dispatcher.announce(after);
        // One that is withdrawn makes way for what is being offered.
        if (isMoved && event.type !== 'withdrawn') await this.#offerDue();
        for (const stop of stops) await this.#dispatcher.stop(runId, stop);
        return after;
      } catch (error) {
        if (!mayHaveHappened(error)) throw error;
        await store.refresh(runId);
        if (attempt === storeAttempts) throw error;
      }
    }
  }

  /** Has exactly those runs on offer whose turn it is. */
  async #offerDue(): Promise<void> {
    const { store, settings, now } = this.#options;
    const due = offersOf(store.live(), settings, now());
    const runIds = new Set(due.map(({ runId }) => runId));
    for (const record of queueOf(store.live())) {
      const isDue = runIds.has(record.runId);
      if (isDue) await this.#dispatcher.offer(record);
      else if (this.#dispatcher.isOffered(record))
        await this.#apply(record.runId, { type: 'withdrawn' });
    }
  }

  async #save(
    before: RunRecord,
    next: RunRecord,
    sequence = before.sequence,
  ): Promise<RunRecord> {
    if (next === before) return before;
    const { store, events } = this.#options;
    const after = await store.update({ ...next, sequence });
    events.changed(before, after);
    return after;
  }

  #renewLease(before: RunRecord, after: RunRecord, event: StateEvent): void {
    const nowMs = this.#options.now();
    if (isFinal(after)) {
      this.#leases.forget(after.runId);
      this.#dispatcher.forget(after.runId);
    } else if ('worker' in event) {
      if (speaksFor(event, before)) this.#leases.renew(after, nowMs);
    } else if (after !== before) {
      this.#leases.restart(after, nowMs);
    }
  }

  async #forgetFinished(nowMs: number): Promise<void> {
    const { store, settings } = this.#options;
    if (settings.finishedTtlMs === 0) return;
    const isOld = (record: RunRecord) =>
      isFinal(record) && nowMs - record.updatedMs >= settings.finishedTtlMs;
    for (const { runId } of store.list().filter(isOld)) {
      await this.#inTurn(async () => {
        // A user may have had it go on since.
        const record = store.find(runId);
        if (record && isOld(record)) await this.#forget(record);
      });
    }
  }

  async #makeRoom(): Promise<void> {
    const { store, settings } = this.#options;
    if (queueOf(store.live()).length >= settings.maxQueued) {
      throw new BusFullError({
        queue: 'the queue of runs',
        limit: `${settings.maxQueued} that wait`,
      });
    }
    while (store.size >= settings.maxRuns) {
      const oldest = store.list().findLast(isFinal);
      if (!oldest) {
        throw new BusFullError({
          queue: 'the orchestrator',
          limit: `${settings.maxRuns} runs that have not ended`,
        });
      }
      await this.#forget(oldest);
    }
  }

  async #forget({ runId, attempt }: RunRecord): Promise<void> {
    const { store, floor } = this.#options;
    await floor.raiseTo(attempt);
    try {
      await store.delete(runId);
    } catch (error) {
      if (!mayHaveHappened(error)) throw error;
      await store.refresh(runId);
      if (store.find(runId)) throw error;
    }
  }

  #newRecord(submission: Submission): RunRecord {
    const { floor, now } = this.#options;
    const nowMs = now();
    return {
      ...submission,
      phase: 'pending',
      attempt: floor.attempt + 1,
      worker: '',
      ...{ cancelRequested: false, pauseRequested: false },
      ...{ retries: 0, notBeforeMs: 0, transitions: 1 },
      ...{ declines: 0, declinedMs: 0 },
      createdMs: nowMs,
      updatedMs: nowMs,
      epoch: this.#options.epoch,
      revision: 1,
      sequence: this.#sequence,
    };
  }

  /** Changes happen one after the other. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function sameExperiment(known: RunRecord, experiment: JsonObject): RunRecord {
  if (isDeepStrictEqual(known.experiment, experiment)) return known;
  throw new RunAlreadyExistsError({ runId: known.runId });
}
