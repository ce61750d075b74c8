import type { RunProgress, RunResult } from '#runtime/bus/run-events.js';
import { MembersChangedError, RunCancelledError } from '#runtime/errors.js';
import { closeAll, type Closer } from './closers.js';
import type { Team } from './group/generation.js';
import { classifyTogether } from './group/shared-evaluation.js';
import { Pace } from './pace.js';
import type { RunOrder, Surroundings } from './parts.js';
import { prepare, type PreparedRun } from './prepare.js';
import { type ReadyStep, updatesOf } from './step-feed.js';
import { takeStep } from './take-step.js';
import type { Evaluation, StepMeasurements, Tally } from './trainer-api.js';
import { unlessAborted } from './within.js';

/** Hears how far a run is. */
export interface RunListener {
  /** Everything is connected; steps follow. */
  running(): void;
  progress(progress: RunProgress): void;
  /** Only the last evaluation is left. */
  evaluating(): void;
}

/**
 * Trains a run to its end, from its newest checkpoint if it has one.
 * @throws whatever ended it early: a signal's reason, or a DomainError
 */
export async function train(
  order: RunOrder,
  around: Surroundings,
  listener: RunListener,
): Promise<RunResult> {
  const closers: Closer[] = [];
  let isOver = false;
  try {
    const run = await prepare(order, around, closers);
    const result = await new Trainer(run, around, listener).train();
    isOver = true;
    return result;
  } catch (error) {
    isOver = around.signal.reason instanceof RunCancelledError;
    throw error;
  } finally {
    const { events } = around;
    await closeAll(closers, isOver, events.unfreed(order.runId));
  }
}

class Trainer {
  readonly #run: PreparedRun;
  readonly #around: Surroundings;
  readonly #listener: RunListener;
  readonly #pace: Pace;
  readonly #startedMs = performance.now();
  #evaluation: Evaluation | undefined;
  #bestTestAccuracy: number;
  #checkpoint: string;
  #savedStep: number;
  /** The newest checkpoint, on its way to where it is kept. */
  #saving: Promise<void> = Promise.resolve();
  #taught = false;
  /** Who took the newest step. */
  #team: Team | undefined;
  readonly #queueLags: Record<number, number> = {};

  constructor(run: PreparedRun, around: Surroundings, listener: RunListener) {
    const { resume } = run;
    this.#run = run;
    this.#around = around;
    this.#listener = listener;
    this.#pace = new Pace(run.plan.batchSize);
    this.#evaluation = resume?.tally.evaluation;
    this.#bestTestAccuracy = resume?.tally.bestTestAccuracy ?? 0;
    this.#checkpoint = resume?.location ?? '';
    this.#savedStep = resume?.step ?? 0;
  }

  async train(): Promise<RunResult> {
    this.#listener.running();
    try {
      await this.#takeSteps();
    } catch (error) {
      await this.#outlastSaving(error);
      throw error;
    }
    await this.#saving;
    const result = this.#result();
    await this.#recordResult(result);
    return result;
  }

  async #takeSteps(): Promise<void> {
    const { plan, resume } = this.#run;
    for (let step = resume?.step ?? 0; step < plan.totalSteps; step++) {
      await this.#take(step);
      if (plan.endsEpoch(step)) await this.#endEpoch(step);
      if (plan.checkpointsAt(step)) await this.#save(step + 1);
    }
  }

  /** The thread is about to go; what ends the run is `error`, whatever comes. */
  async #outlastSaving(error: unknown): Promise<void> {
    const { order } = this.#run;
    const { events } = this.#around;
    await this.#saving.catch((failure: unknown) => {
      if (failure !== error) events.checkpointLost(order.runId, failure);
    });
  }

  /** Takes a step, again where its ranks were dealt again in its midst. */
  async #take(step: number): Promise<void> {
    const { group } = this.#run;
    for (;;) {
      const waiting = performance.now();
      const team = await this.#unlessReleased(step, group.at(step));
      try {
        const coming = unlessAborted(team.feed.take(step), team.changed);
        const ready = await this.#unlessReleased(step, coming);
        const computing = performance.now();
        const measured = await this.#compute(team, ready);
        const done = performance.now();
        this.#team = team;
        await group.applied(step + 1);
        const waitMs = computing - waiting;
        const times = { waitMs, computeMs: done - computing };
        return await this.#report(step, measured, times, ready.queueLag);
      } catch (error) {
        if (!(error instanceof MembersChangedError)) throw error;
      }
    }
  }

  /** Waits for what `step` needs, or leaves with a checkpoint before it. */
  async #unlessReleased<T>(step: number, ready: Promise<T>): Promise<T> {
    const { release } = this.#around;
    try {
      return await unlessAborted(ready, release);
    } catch (error) {
      if (error === release.reason) {
        if (this.#savedStep !== step) await this.#save(step);
        // Whoever goes on with the run counts on it.
        await this.#saving;
      }
      throw error;
    }
  }

  #compute({ collective }: Team, ready: ReadyStep): Promise<StepMeasurements> {
    const { experiment } = this.#run.order;
    return takeStep(this.#run, experiment.ranks, collective, ready);
  }

  async #report(
    step: number,
    measured: StepMeasurements,
    times: { waitMs: number; computeMs: number },
    queueLag: number | undefined,
  ): Promise<void> {
    const { plan, folder, facts } = this.#run;
    const epoch = plan.epochOf(step);
    const { loss, lossTerms, learningRate } = measured;
    this.#pace.add(times.waitMs + times.computeMs);
    this.#around.events.stepTaken(facts.engine, times, queueLag);
    const lag = queueLag === undefined ? {} : { queueLag };
    if (queueLag !== undefined)
      this.#queueLags[queueLag] = (this.#queueLags[queueLag] ?? 0) + 1;
    this.#listener.progress({
      ...{ step: step + 1, totalSteps: plan.totalSteps, epoch },
      ...{ loss, lossTerms: { ...lossTerms }, learningRate },
      imagesPerSecond: this.#pace.imagesPerSecond,
      ...(this.#evaluation && {
        testAccuracy: this.#evaluation.testAccuracy,
      }),
    });
    const record = { type: 'step' as const, step, epoch };
    await folder.record({ ...record, ...times, ...lag, ...measured });
  }

  async #endEpoch(step: number): Promise<void> {
    const { plan } = this.#run;
    const epoch = plan.epochOf(step);
    if (step + 1 === plan.totalSteps) this.#listener.evaluating();
    if (plan.evaluatesAfter(epoch)) await this.#evaluate(step, epoch);
  }

  async #evaluate(step: number, epoch: number): Promise<void> {
    const { thread, compute, folder, facts } = this.#run;
    await this.#learnTeacherClasses();
    const place = { thread, compute, testSize: facts.testSize };
    const others = this.#team?.others;
    const classes = await classifyTogether(place, others, step + 1);
    const evaluation = await compute(thread.measure(classes));
    this.#evaluation = evaluation;
    this.#bestTestAccuracy = Math.max(
      this.#bestTestAccuracy,
      evaluation.testAccuracy,
    );
    await folder.record({ type: 'evaluation', step, epoch, ...evaluation });
  }

  /** What the teacher says about the test split: asked once, in batches. */
  async #learnTeacherClasses(): Promise<void> {
    const { teacher, facts, thread, compute } = this.#run;
    if (!teacher || this.#taught) return;
    const { testSize } = facts;
    for (let start = 0; start < testSize; start += teacher.maxBatchSize) {
      const end = Math.min(start + teacher.maxBatchSize, testSize);
      const indices = Array.from({ length: end - start }, (_, i) => start + i);
      const { logits } = await teacher.extract(
        { split: 'test', indices, epoch: undefined },
        new Set(['logits']),
        this.#around.signal,
      );
      if (logits) await compute(thread.teach(start, logits));
    }
    this.#taught = true;
  }

  /**
   * Steps go on while a checkpoint is written, but never past the next one.
   * @param step the one to go on with
   */
  async #save(step: number): Promise<void> {
    const { thread, compute, folder, order } = this.#run;
    await this.#saving;
    await this.#catchUp(step);
    const request = {
      runLocation: folder.checkpoints,
      keep: this.#around.config.keepCheckpoints,
      runId: order.runId,
      step,
      tally: this.#tally(),
    };
    await compute(thread.capture(request));
    this.#savedStep = step;
    this.#saving = this.#written(compute(thread.save()));
    // Whoever waits for it sees the failure; until then it is not lost.
    this.#saving.catch(() => {});
  }

  /** A checkpoint has the rows of all steps before it, whatever was stale. */
  async #catchUp(step: number): Promise<void> {
    const { thread, compute, order, bank } = this.#run;
    if (!bank || step === 0 || order.experiment.bank.staleness === 0) return;
    const { signal } = this.#around;
    const news = await bank.newsFor(step - 1, 0, signal);
    await compute(thread.follow(updatesOf(news)));
  }

  async #written(checkpoint: Promise<string>): Promise<void> {
    this.#checkpoint = await checkpoint;
  }

  /** What was used, this time and before the checkpoint that we went on from. */
  #tally(): Tally {
    const { resume, teacher, bank, memories } = this.#run;
    const bankBytes = (bank?.bytes ?? 0) + (memories?.bytes ?? 0);
    const earlier = resume?.tally;
    return {
      ...(this.#evaluation && { evaluation: this.#evaluation }),
      bestTestAccuracy: this.#bestTestAccuracy,
      teacherBytes: (earlier?.teacherBytes ?? 0) + (teacher?.bytes ?? 0),
      bankBytes: (earlier?.bankBytes ?? 0) + bankBytes,
    };
  }

  async #recordResult(result: RunResult): Promise<void> {
    const { plan, folder, resume, bank } = this.#run;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const steps = plan.totalSteps - (resume?.step ?? 0);
    const images = steps * plan.batchSize;
    await folder.record({
      ...{ type: 'result', step: plan.totalSteps, ...result },
      totalImagesPerSecond: images / seconds,
      ...(bank && { queueLags: this.#queueLags }),
    });
  }

  #result(): RunResult {
    const { plan, bank, facts } = this.#run;
    const { evaluation, ...used } = this.#tally();
    return {
      ...used,
      testAccuracy: evaluation?.testAccuracy ?? 0,
      ...(evaluation?.agreementWithTeacher !== undefined && {
        agreementWithTeacher: evaluation.agreementWithTeacher,
      }),
      imagesPerSecond: this.#pace.imagesPerSecond,
      steps: plan.totalSteps,
      bankVersions: bank?.version ?? 0,
      engine: facts.engine,
      checkpoint: this.#checkpoint,
    };
  }
}
