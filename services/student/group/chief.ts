import type { Precision } from '#distill/precision.js';
import { Notifier } from '#runtime/bus/notifier.js';
import {
  MembersChangedError,
  ReplicaDivergedError,
  ReplicaMismatchError,
  ServiceUnavailableError,
} from '#runtime/errors.js';
import type { ClientTls } from '#runtime/rpc/client.js';
import type { StepFeed } from '../step-feed.js';
import type { TrainerApi } from '../trainer-api.js';
import type { GroupHost } from './door.js';
import { Generation, type Team } from './generation.js';
import type { Group } from './group.js';
import { type FromMember, Seat, type ToMember } from './seat.js';
import type {
  Candidate,
  GroupMember,
  GroupSettings,
  ReplicaFacts,
} from './settings.js';
import { maxEvaluationBytes } from './shared-evaluation.js';
import { dealRanks } from './shares.js';
import { encodeState } from './state-codec.js';

export interface ChiefOptions {
  readonly runId: string;
  readonly attempt: number;
  readonly worldSize: number;
  /** What vectors and means are rounded to. */
  readonly precision: Precision;
  /** Workers wanted, ourselves included. */
  readonly workers: number;
  readonly self: { readonly worker: string; readonly address: string };
  readonly facts: ReplicaFacts;
  /** Samples of the test split. */
  readonly testSize: number;
  readonly teacherDigest: string | undefined;
  readonly tls: ClientTls | undefined;
  readonly thread: Pick<TrainerApi, 'readTraining' | 'digest'>;
  /** Bounds a call of the thread in time. */
  readonly compute: <T>(work: Promise<T>) => Promise<T>;
  readonly feedOf: (ranks: readonly number[]) => StepFeed;
  /** The run's first step whose commit the queue at `version` lacks. */
  readonly stepAfter: (version: number) => number;
  /** Asks the bus for one more worker. */
  readonly offerSeat: () => Promise<void>;
  readonly listener: GroupListener;
  readonly settings: GroupSettings;
  /** Aborts when the run is to stop at once. */
  readonly signal: AbortSignal;
}

export interface GroupListener {
  joined(worker: string): void;
  lost(worker: string, error: Error): void;
  /** Ranks were dealt: `workers` go on with `step`. */
  dealt(generation: number, step: number, workers: readonly string[]): void;
}

/** Generations that may fail at one step before the run does. */
const maxGenerationsAtStep = 10;

/**
 * A run's ranks, dealt to the workers that have joined. The chief has the
 * whole state at every step, so whoever is lost, the others go on from the
 * very step at which it was.
 */
export class Chief implements Group, GroupHost {
  readonly #options: ChiefOptions;
  readonly #seats = new Set<Seat>();
  readonly #news = new Notifier();
  #generation: Generation | undefined;
  /** Those of `generation`. */
  #dealt: readonly Seat[] = [];
  #count = 0;
  #formed = { step: -1, times: 0 };
  /** A worker could not reach another one, and no step was taken since. */
  #brokenBefore = false;
  #digest: { readonly step: number; readonly digest: string } | undefined;
  #closed = false;

  constructor(options: ChiefOptions) {
    this.#options = options;
    const { signal } = options;
    const stop = () => this.#generation?.end(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    for (let i = 1; i < options.workers; i++) void options.offerSeat();
  }

  get attempt(): number {
    return this.#options.attempt;
  }

  get generation(): Generation | undefined {
    return this.#generation;
  }

  join(
    hello: Candidate,
    requests: AsyncIterable<FromMember>,
    caller: AbortSignal,
  ): AsyncIterable<ToMember> {
    const { facts, settings, listener } = this.#options;
    checkEqual(facts, hello);
    const seat: Seat = new Seat(hello, {
      ...settings,
      onNews: () => this.#hear(seat),
      onLost: (error) => this.#lose(seat, error),
    });
    this.#seats.add(seat);
    listener.joined(seat.worker);
    void seat.listen(requests);
    this.#news.notify();
    return seat.messages(caller);
  }

  async at(step: number): Promise<Team> {
    for (;;) {
      const generation = this.#generation;
      const reason = generation && reasonOf(generation);
      if (reason && !(reason instanceof MembersChangedError)) throw reason;
      if (generation && !reason && !this.#someoneWaits) return generation;
      try {
        await this.#form(step);
      } catch (error) {
        if (!(error instanceof MembersChangedError)) throw error;
      }
    }
  }

  async applied(steps: number): Promise<void> {
    const { thread, compute, settings } = this.#options;
    this.#brokenBefore = false;
    if (this.#dealt.length === 0 || steps % settings.digestEverySteps !== 0)
      return;
    const digest = await compute(thread.digest());
    this.#digest = { step: steps, digest };
    for (const seat of this.#dealt) this.#compare(seat);
  }

  close(): void {
    this.#closed = true;
    this.#generation?.end(this.#changed('the run is over'));
    for (const seat of this.#seats) seat.dismiss();
  }

  /** Somebody joined since ranks were dealt, and there are ranks for them. */
  get #someoneWaits(): boolean {
    const room = this.#options.worldSize - 1 - this.#dealt.length;
    return room > 0 && this.#fit.some((seat) => !this.#dealt.includes(seat));
  }

  /** Whoever can be dealt ranks now. */
  get #fit(): Seat[] {
    return [...this.#seats].filter((seat) => !seat.isResting);
  }

  async #form(step: number): Promise<void> {
    const { worldSize, thread, compute, listener, stepAfter } = this.#options;
    this.#countFailures(step);
    this.#generation?.end(this.#changed('a worker has joined'));
    if (this.#count === 0) await this.#gather();
    const state = await compute(thread.readTraining());
    const { bytes, queue: at } = encodeState(state);
    const queue = at && { ...at, nextStep: stepAfter(at.version) };
    const seats = this.#fit.slice(0, worldSize - 1);
    const members = this.#membersOf(seats);
    const generation = this.#begin(step, members, bytes.length);
    this.#dealt = seats;
    seats.forEach((seat, i) => {
      const assignment = {
        ...{ generation: generation.number, step, members, index: i + 1 },
        ...{ stateBytes: bytes.length, queue: queue ?? null },
        ...this.#teacher(),
      };
      seat.deal(assignment, bytes);
    });
    await this.#untilReady(seats, generation);
    for (const seat of seats) seat.go(generation.number);
    const workers = members.map(({ worker }) => worker);
    listener.dealt(generation.number, step, workers);
  }

  #begin(
    step: number,
    members: readonly GroupMember[],
    stateBytes: number,
  ): Generation {
    const { runId, attempt, tls, feedOf, settings, testSize, precision } =
      this.#options;
    const { heartbeatMs, leaseMs } = settings;
    return (this.#generation = new Generation({
      ...{ runId, attempt, generation: ++this.#count, step, index: 0 },
      ...{ tls, heartbeatMs, leaseMs, precision },
      ...{ feedOf, maxBytes: maxBytesOf(stateBytes, testSize) },
      ranks: members.map(({ ranks }) => ranks),
      addresses: members.map(({ address }) => address),
      onBroken: () => this.#news.notify(),
    }));
  }

  #membersOf(seats: readonly Seat[]): GroupMember[] {
    const { self, worldSize } = this.#options;
    const ranks = dealRanks(worldSize, seats.length + 1);
    return [self, ...seats].map(({ worker, address }, i) => ({
      ...{ worker, address, ranks: ranks[i]! },
    }));
  }

  #teacher() {
    const { teacherDigest } = this.#options;
    return teacherDigest === undefined ? {} : { teacherDigest };
  }

  /** Waits for the workers that were asked for, but not for long. */
  async #gather(): Promise<void> {
    const { settings, workers, signal } = this.#options;
    const patience = AbortSignal.timeout(settings.joinMs);
    const either = AbortSignal.any([patience, signal]);
    while (this.#seats.size < workers - 1 && !either.aborted) {
      await this.#news.wait(either);
    }
    signal.throwIfAborted();
  }

  /** @throws MembersChangedError */
  async #untilReady(
    seats: readonly Seat[],
    { number, changed }: Generation,
  ): Promise<void> {
    const { settings, signal } = this.#options;
    const patience = AbortSignal.timeout(settings.readyMs);
    const either = AbortSignal.any([patience, changed, signal]);
    const late = () => seats.filter(({ readyFor }) => readyFor !== number);
    while (late().length > 0 && !either.aborted) await this.#news.wait(either);
    signal.throwIfAborted();
    changed.throwIfAborted();
    const problem = `it was not ready within ${settings.readyMs} ms`;
    for (const seat of late()) seat.dismiss(this.#changed(problem));
    changed.throwIfAborted();
  }

  #hear(seat: Seat): void {
    const generation = this.#generation;
    if (seat.brokenIn === generation?.number && !generation.changed.aborted) {
      this.#restIfAgain(seat);
      generation.end(this.#changed(`${seat.worker} lost one of the others`));
    }
    this.#compare(seat);
    this.#news.notify();
  }

  /**
   * The other one may be gone, which we hear soon; but if the same happens
   * again, these two do not reach each other, and the others go on without
   * the one that says so.
   */
  #restIfAgain(seat: Seat): void {
    if (this.#brokenBefore || seat.hasRested)
      seat.rest(this.#options.settings.leaseMs);
    this.#brokenBefore = true;
  }

  #lose(seat: Seat, error: Error): void {
    const { listener, offerSeat } = this.#options;
    this.#seats.delete(seat);
    if (this.#closed) return;
    listener.lost(seat.worker, error);
    if (this.#dealt.includes(seat)) {
      const problem = `worker ${seat.worker} is gone: ${error.message}`;
      this.#generation?.end(this.#changed(problem));
    }
    void offerSeat();
    this.#news.notify();
  }

  /** A replica that has gone astray ends the run: nobody knows which one. */
  #compare({ worker, digest: told }: Seat): void {
    const own = this.#digest;
    const generation = this.#generation;
    if (!own || told?.step !== own.step) return;
    if (told.generation !== generation?.number) return;
    const [expected, actual] = [own.digest, told.digest];
    if (expected === actual) return;
    const fields = { worker, step: own.step, expected, actual };
    generation.end(new ReplicaDivergedError(fields));
  }

  #changed(problem: string): MembersChangedError {
    return new MembersChangedError({ generation: this.#count, problem });
  }

  /** @throws ServiceUnavailableError once it has been tried too often */
  #countFailures(step: number): void {
    const { step: before, times } = this.#formed;
    this.#formed = { step, times: before === step ? times + 1 : 1 };
    if (this.#formed.times <= maxGenerationsAtStep) return;
    const reason = this.#generation && reasonOf(this.#generation);
    const address = `its members (${reason?.message ?? 'not ready'})`;
    const service = 'rrd.v1.CollectiveService';
    throw new ServiceUnavailableError({ service, address, waitedMs: 0 });
  }
}

/** Why a generation is over; undefined while it is in force. */
function reasonOf({ changed }: Generation): Error | undefined {
  return changed.aborted ? (changed.reason as Error) : undefined;
}

/**
 * A rank's vector has no more values than the state: each gradient has its
 * weight there. Its measurements get some room besides.
 */
export function maxBytesOf(stateBytes: number, testSize: number): number {
  return Math.max(stateBytes + 2 ** 16, maxEvaluationBytes(testSize));
}

/** @throws ReplicaMismatchError */
function checkEqual(facts: ReplicaFacts, hello: Candidate): void {
  for (const field of Object.keys(facts) as (keyof ReplicaFacts)[]) {
    const [expected, actual] = [facts[field], hello[field]];
    if (actual !== expected) {
      throw new ReplicaMismatchError({ field, expected, actual });
    }
  }
}
