import { context } from '@opentelemetry/api';
import { inSpan } from '#runtime/rpc/trace.js';
import type { QueueUpdate } from '#distill/queue.js';
import type { QueueNews } from './backlog.js';
import type { BankMirror } from './bank-mirror.js';
import { linkCommit, StepTrace } from './events.js';
import type { SampleMemories, StepMemories } from './sample-memories.js';
import type { TeacherClient } from './teacher-client.js';
import type { RequestsOf, TeacherRequest } from './teacher-requests.js';
import type { RankInputs, TeacherOutputs } from './trainer-api.js';

export interface FeedOptions {
  readonly runId: string;
  readonly teacher: TeacherClient | undefined;
  readonly bank: BankMirror | undefined;
  readonly memories: SampleMemories | undefined;
  /** Steps that are prepared at a time. */
  readonly prefetch: number;
  /** Steps whose commits a step may lack. */
  readonly staleness: number;
  readonly totalSteps: number;
  /** Those that are computed here. */
  readonly ranks: readonly number[];
  readonly requestsOf: RequestsOf;
}

/** A step that is ready to be computed. */
export interface ReadyStep {
  /** Of every rank that is computed here. */
  readonly ranks: readonly RankInputs[];
  readonly memories: StepMemories | undefined;
  /** Steps that the queue is behind; undefined where the run has none. */
  readonly queueLag: number | undefined;
  readonly trace: StepTrace;
}

/** What the teacher says of a rank's samples. */
type Taught = Pick<RankInputs, 'teacher' | 'views'>;

interface ComingStep {
  readonly trace: StepTrace;
  /** By rank. */
  readonly taught: Promise<Taught[]>;
}

/**
 * What steps need from other nodes, asked for ahead: the teacher's outputs of
 * `prefetch` steps are on their way, and what came is handed to the bank at
 * once. A step is ready when the bank has committed its own rows, or those of
 * `staleness` steps before; nothing that happens ahead of it can change it.
 */
export class StepFeed {
  readonly #options: FeedOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #runSignal: AbortSignal;
  readonly #coming = new Map<number, ComingStep>();
  /** By step, until its commit has arrived: all our ranks' rows. */
  readonly #handedIn = new Map<number, Promise<unknown>>();

  constructor(options: FeedOptions, signal: AbortSignal) {
    this.#options = options;
    this.#runSignal = signal;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Waits for the inputs of `step`; steps are taken one after another. */
  async take(step: number): Promise<ReadyStep> {
    const { bank, memories, prefetch } = this.#options;
    if (bank) this.#handInBefore(step, bank.nextStep);
    this.#request(step, step + prefetch);
    const { trace, taught: coming } = this.#coming.get(step)!;
    const taught = await coming;
    const news = bank && (await this.#newsFor(bank, step, trace));
    this.#coming.delete(step);
    this.#request(step + 1, step + 1 + prefetch);
    const ranks = this.#options.ranks.map((rank, i) => ({
      ...{ step, rank, ...taught[i]! },
      ...(news && { committed: updatesOf(news) }),
    }));
    // A step that counts is ended in the memories too, whatever comes.
    const own = memories?.at(step, this.#runSignal);
    return { ranks, memories: own, queueLag: news?.lag, trace };
  }

  /** Gives up whatever is on its way. */
  close(): void {
    this.#stop.abort();
    for (const { trace } of this.#coming.values()) trace.end();
    this.#coming.clear();
  }

  /** Starts steps of [from, to) that are not on their way yet. */
  #request(from: number, to: number): void {
    const end = Math.min(to, this.#options.totalSteps);
    for (let step = from; step < end; step++) {
      if (this.#coming.has(step)) continue;
      const trace = new StepTrace(this.#options.runId, step);
      const taught = context.with(trace.context, () => this.#prepare(step));
      // Whoever takes the step sees the failure; until then it is not lost.
      taught.catch(() => {});
      this.#coming.set(step, { trace, taught });
    }
  }

  /**
   * Steps that were taken while their commits were missing: whoever prepared
   * them may be gone with the rows. The bank knows those that it has.
   */
  #handInBefore(step: number, nextStep: number): void {
    for (const older of this.#handedIn.keys())
      if (older < nextStep) this.#handedIn.delete(older);
    const { ranks, requestsOf } = this.#options;
    for (let older = nextStep; older < step; older++) {
      if (this.#handedIn.has(older)) continue;
      const asked = ranks.map((rank) => requestsOf(older, rank).batch);
      this.#handIn(
        older,
        asked.map((batch) => this.#ask(batch)),
      );
    }
  }

  /** The teacher's outputs for each rank, which hands in its own rows. */
  #prepare(step: number): Promise<Taught[]> {
    const { ranks, requestsOf } = this.#options;
    const asked = ranks.map((rank) => {
      const { batch, views } = requestsOf(step, rank);
      return { teacher: this.#ask(batch), views };
    });
    this.#handIn(
      step,
      asked.map(({ teacher }) => teacher),
    );
    return Promise.all(
      asked.map(async ({ teacher, views }) => {
        const names = Object.keys(views);
        const seen = names.map((name) => this.#ask(views[name]!));
        const [outputs, ...others] = await Promise.all([teacher, ...seen]);
        const entries = names.map((name, i) => [name, others[i]!] as const);
        return { teacher: outputs, views: Object.fromEntries(entries) };
      }),
    );
  }

  /** Hands in the rows of each rank as they come. */
  #handIn(step: number, outputs: readonly Promise<TeacherOutputs>[]): void {
    const { bank, ranks } = this.#options;
    // A shared queue may know steps that a resumed run takes again.
    if (!bank || step < bank.nextStep) return;
    const handedIn = Promise.all(
      ranks.map(async (rank, i) => {
        const { embeddings: rows } = await outputs[i]!;
        if (rows) await bank.enqueue(step, rank, { rows }, this.#signal);
      }),
    );
    // Whoever waits for the commit sees the failure; until then it is not lost.
    handedIn.catch(() => {});
    this.#handedIn.set(step, handedIn);
  }

  async #ask({ batch, outputs }: TeacherRequest): Promise<TeacherOutputs> {
    const { teacher } = this.#options;
    if (!teacher || outputs.size === 0) return {};
    return teacher.extract(batch, outputs, this.#signal);
  }

  #newsFor(
    bank: BankMirror,
    step: number,
    { context }: StepTrace,
  ): Promise<QueueNews> {
    const { staleness } = this.#options;
    return inSpan('rrd.student.mirror_wait', context, async () => {
      await this.#handedIn.get(step - staleness);
      const news = await bank.newsFor(step, staleness, this.#signal);
      const newest = news.commits.at(-1);
      if (newest) linkCommit(newest.traceparent);
      return news;
    });
  }
}

/** What brings a queue up to date. */
export function updatesOf({ snapshot, commits }: QueueNews): QueueUpdate[] {
  const updates = commits.map(({ version, rows }) => ({ version, rows }));
  return snapshot ? [snapshot, ...updates] : updates;
}
