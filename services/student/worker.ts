import { experimentSchema } from '#distill/experiment.js';
import type { Bus, WorkItem } from '#runtime/bus/bus.js';
import {
  publishRunEvent,
  runWorkSchema,
  stopRequests,
  type RunWork,
} from '#runtime/bus/run-events.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import type { EngineChoice } from '#runtime/compute/engine.js';
import { parseConfig } from '#runtime/config.js';
import type { Datasets } from '#runtime/data/index.js';
import {
  DomainError,
  DrainingError,
  InternalError,
  LeaseLostError,
  RunCancelledError,
  RunReleasedError,
} from '#runtime/errors.js';
import { systemClock } from '#runtime/rpc/retry.js';
import type { StudentConfig } from './config.js';
import type { StudentEvents } from './events.js';
import type { GroupDoor } from './group/door.js';
import { isHeld } from './held.js';
import { help } from './help.js';
import { lackOf } from './lacks.js';
import type { RunOrder, Surroundings } from './parts.js';
import { RunReporter } from './run-reporter.js';
import { train } from './trainer.js';

export interface WorkerOptions {
  readonly config: StudentConfig;
  /** host:port at which other workers reach this one. */
  readonly address: string;
  /** Where they find the run that is held. */
  readonly door: GroupDoor;
  readonly bus: Bus;
  readonly events: StudentEvents;
  readonly datasets: Datasets;
}

/** A run that this worker holds, or helps with. */
interface HeldRun {
  readonly runId: string;
  readonly stop: AbortController;
  readonly release: AbortController;
  /** What was said of it last. */
  readonly last: () => RunReporter['last'];
  engine?: EngineChoice;
}

/** How soon the queue is asked again after it failed. */
const retakeMs = 1_000;
/** How soon after a run that it could not do. */
const declinedMs = 2_000;
/** A seat goes to so many workers: fewer than the bus would call it dead at. */
const seatDeliveries = 4;

/** Takes runs off the bus, one at a time, until it is closed or has enough. */
export class StudentWorker {
  readonly #options: WorkerOptions;
  /** No more runs are taken. */
  readonly #closing = new AbortController();
  /** Resolves when no more runs are taken and the last one is over. */
  readonly ended: Promise<void>;
  #runs = 0;
  #run: HeldRun | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.ended = this.#work();
  }

  /** The run that is held, if any. */
  get current() {
    if (!this.#run) return undefined;
    const { runId, engine, last } = this.#run;
    return { runId, ...(engine && { engine }), last: last() };
  }

  /**
   * Releases the run that is held: another worker goes on from the checkpoint
   * that is written now. Where that takes longer than `releaseMs`, it goes on
   * from an earlier one, once the orchestrator has noticed the silence.
   */
  async close(): Promise<void> {
    const draining = new DrainingError({ service: 'student' });
    this.#closing.abort(draining);
    const run = this.#run;
    run?.release.abort(new RunReleasedError(run));
    const { releaseMs } = this.#options.config;
    const late = setTimeout(() => run?.stop.abort(draining), releaseMs);
    await this.ended;
    clearTimeout(late);
  }

  async #work(): Promise<void> {
    const { bus, events, config } = this.#options;
    const { signal } = this.#closing;
    const maxRuns = config.maxRuns || Infinity;
    while (!signal.aborted && this.#runs < maxRuns) {
      try {
        const item = await bus.take(runsQueue, signal);
        if (!item) return;
        await this.#take(item);
      } catch (error) {
        events.takingFailed(error);
        await systemClock.sleep(retakeMs, signal).catch(() => {});
      }
    }
  }

  async #take(item: WorkItem): Promise<void> {
    const { events } = this.#options;
    const { data: work, error } = runWorkSchema.safeParse(item.work);
    if (!work) {
      events.malformedWork(error.message);
      return item.done();
    }
    if (work.chief !== undefined) return this.#takeSeat(work, work.chief, item);
    const lack = await this.#lackOf(work);
    if (lack) return this.#decline(work, item, lack);
    const run = held(work);
    const reporter = this.#reporterOf(work, run.stop);
    await reporter.claim();
    try {
      await item.done();
    } catch (error) {
      // It goes to others, who must not find it taken.
      await reporter.end({ type: 'released' });
      throw error;
    }
    this.#runs++;
    events.claimed(work);
    const last = () => reporter.last;
    await this.#hold({ ...run, last }, (held) =>
      this.#carryOut(work, held, reporter),
    );
  }

  /**
   * Helps with a run, if somebody still holds it: its seats outlive it. Only
   * one that was joined is a run that this worker has had.
   */
  async #takeSeat(work: RunWork, chief: string, item: WorkItem): Promise<void> {
    const { bus, config, events } = this.#options;
    const { signal } = this.#closing;
    const { leaseMs } = config;
    const askedMs = Date.now();
    const goesOn = await isHeld(work, { bus, leaseMs, signal });
    // Silence on a bus that was away says nothing.
    const { connected, sinceMs } = bus.connection();
    const couldHear = connected && sinceMs <= askedMs;
    if (signal.aborted || !(goesOn || couldHear)) return item.release();
    if (!goesOn) {
      events.seatExpired(work.runId);
      return item.done();
    }
    const lack = await this.#lackOf(work);
    if (lack) return this.#passSeatOn(work, item, lack);
    await item.done();
    const last = () => ({ type: 'running' }) as const;
    await this.#hold({ ...held(work), last }, (run) =>
      this.#help(work, chief, run),
    );
  }

  #lackOf({ experiment }: RunWork): Promise<DomainError | undefined> {
    const { config, datasets } = this.#options;
    return lackOf(experiment, config, datasets);
  }

  /** Passes a run on, and lets the others have the first go at it. */
  async #decline(
    { runId, attempt }: RunWork,
    item: WorkItem,
    lack: DomainError,
  ): Promise<void> {
    const { bus, events, config } = this.#options;
    const { worker } = config;
    const { reason, message, metadata } = lack;
    const failure = { reason, message, metadata: { ...metadata } };
    const event = { type: 'declined', attempt, worker, failure } as const;
    await publishRunEvent(bus, runId, event);
    await item.done();
    events.declined(runId, lack);
    await systemClock.sleep(declinedMs, this.#closing.signal).catch(() => {});
  }

  /** The run goes on without a helper if nobody is left to ask. */
  async #passSeatOn(
    { runId }: RunWork,
    item: WorkItem,
    lack: DomainError,
  ): Promise<void> {
    const { events } = this.#options;
    await (item.delivery < seatDeliveries ? item.release() : item.done());
    events.seatDeclined(runId, lack);
    await systemClock.sleep(declinedMs, this.#closing.signal).catch(() => {});
  }

  async #hold(
    run: HeldRun,
    work: (run: HeldRun) => Promise<void>,
  ): Promise<void> {
    this.#run = run;
    if (this.#closing.signal.aborted)
      run.release.abort(new RunReleasedError(run));
    try {
      await work(run);
    } finally {
      this.#run = undefined;
    }
  }

  /** Computes ranks of a run that another worker holds. */
  async #help(work: RunWork, chief: string, run: HeldRun): Promise<void> {
    const { events } = this.#options;
    const { runId } = work;
    events.helping(runId, chief);
    try {
      const order = this.#orderOf(work, run);
      const onJoined = () => void this.#runs++;
      await help(order, chief, this.#around(run), onJoined);
      events.helped(runId);
    } catch (error) {
      events.helped(runId, error);
    }
  }

  async #carryOut(
    work: RunWork,
    run: HeldRun,
    reporter: RunReporter,
  ): Promise<void> {
    const { events } = this.#options;
    const { runId } = run;
    const { signal } = run.stop;
    const finished = new AbortController();
    void this.#obey(work, run, finished.signal);
    try {
      const order = this.#orderOf(work, run);
      const result = await train(order, this.#around(run), reporter);
      events.succeeded(runId, result);
      await reporter.end({ type: 'succeeded', result });
    } catch (error) {
      // A call that was cut short fails in its own way; the cause is the stop.
      const cause: unknown = signal.aborted ? signal.reason : error;
      await this.#endEarly(runId, reporter, cause);
    } finally {
      finished.abort();
    }
  }

  /** @throws ConfigInvalidError */
  #orderOf(work: RunWork, run: HeldRun): RunOrder {
    const { config } = this.#options;
    const source = `run ${work.runId}`;
    const experiment = parseConfig(experimentSchema, work.experiment, source);
    const { engine } = experiment;
    run.engine = engine === 'auto' ? config.engine : engine;
    return { ...work, experiment, engine: run.engine };
  }

  #around({ stop, release }: HeldRun): Surroundings {
    const { config, address, bus, door, events, datasets } = this.#options;
    return {
      ...{ config, address, bus, door, events, datasets },
      ...{ signal: stop.signal, release: release.signal },
    };
  }

  async #endEarly(
    runId: string,
    reporter: RunReporter,
    cause: unknown,
  ): Promise<void> {
    const { events } = this.#options;
    if (cause instanceof RunCancelledError) {
      events.stopped(runId, cause.reason);
      return reporter.end({ type: 'cancelled' });
    }
    if (cause instanceof RunReleasedError) {
      events.stopped(runId, cause.reason);
      return reporter.end({ type: 'released' });
    }
    if (cause instanceof LeaseLostError || this.#closing.signal.aborted) {
      events.stopped(runId, reasonOf(cause));
      return reporter.end();
    }
    events.failed(runId, cause);
    const error = cause instanceof DomainError ? cause : new InternalError({});
    const { reason, message, metadata } = error;
    return reporter.end({
      type: 'failed',
      failure: { reason, message, metadata: { ...metadata } },
    });
  }

  #reporterOf({ runId, attempt }: RunWork, stop: AbortController): RunReporter {
    const { bus, config, events } = this.#options;
    const { worker, heartbeatMs, progressMs, leaseMs } = config;
    return new RunReporter({
      ...{ bus, runId, attempt, worker, heartbeatMs, progressMs, leaseMs },
      onUnheard: () =>
        stop.abort(new LeaseLostError({ runId, epoch: attempt })),
      onFailure: (error) => events.reportFailed(runId, error),
    });
  }

  /** Stops the run when the bus says so. */
  async #obey(
    { runId, attempt, epoch }: RunWork,
    { stop, release }: HeldRun,
    signal: AbortSignal,
  ): Promise<void> {
    const { bus, config, events } = this.#options;
    const holder = { attempt, worker: config.worker, epoch };
    try {
      for await (const { reason } of stopRequests(bus, runId, holder, signal)) {
        if (reason === 'paused') release.abort(new RunReleasedError({ runId }));
        else if (reason === 'cancelled')
          stop.abort(new RunCancelledError({ runId }));
        else stop.abort(new LeaseLostError({ runId, epoch: attempt }));
      }
    } catch (error) {
      events.reportFailed(runId, error);
    }
  }
}

function held({ runId }: RunWork) {
  const [stop, release] = [new AbortController(), new AbortController()];
  return { runId, stop, release };
}

function reasonOf(error: unknown): string {
  return error instanceof DomainError ? error.reason : 'INTERNAL';
}
