import { context } from '@opentelemetry/api';
import { inSpan } from '#runtime/rpc/trace.js';
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
 * once. A step is ready when the bank has committed its own rows, so nothing
 * that happens ahead of a step can change it.
 */
export class StepFeed {
  readonly #options: FeedOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #runSignal: AbortSignal;
  readonly #coming = new Map<number, ComingStep>();

  constructor(options: FeedOptions, signal: AbortSignal) {
    this.#options = options;
    this.#runSignal = signal;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Waits for the inputs of `step`; steps are taken one after another. */
  async take(step: number): Promise<ReadyStep> {
    const { bank, memories, prefetch } = this.#options;
    this.#request(step, step + prefetch);
    const { trace, taught: coming } = this.#coming.get(step)!;
    const taught = await coming;
    const committed = bank && (await this.#committed(bank, step, trace));
    this.#coming.delete(step);
    this.#request(step + 1, step + 1 + prefetch);
    const ranks = this.#options.ranks.map((rank, i) => ({
      ...{ step, rank, ...taught[i]! },
      ...(committed && { committed }),
    }));
    // A step that counts is ended in the memories too, whatever comes.
    const own = memories?.at(step, this.#runSignal);
    return { ranks, memories: own, trace };
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

  /** The teacher's outputs for each rank, which hands in its own rows. */
  #prepare(step: number): Promise<Taught[]> {
    const { ranks } = this.#options;
    return Promise.all(ranks.map((rank) => this.#prepareRank(step, rank)));
  }

  async #prepareRank(step: number, rank: number): Promise<Taught> {
    const { batch, views } = this.#options.requestsOf(step, rank);
    const names = Object.keys(views);
    const [teacher, ...seen] = await Promise.all([
      this.#askThenEnqueue(step, rank, batch),
      ...names.map((name) => this.#ask(views[name]!)),
    ]);
    const entries = names.map((name, i) => [name, seen[i]!] as const);
    return { teacher, views: Object.fromEntries(entries) };
  }

  async #askThenEnqueue(
    step: number,
    rank: number,
    request: TeacherRequest,
  ): Promise<TeacherOutputs> {
    const outputs = await this.#ask(request);
    const { bank } = this.#options;
    const { embeddings: rows } = outputs;
    if (bank && rows) await bank.enqueue(step, rank, { rows }, this.#signal);
    return outputs;
  }

  async #ask({ batch, outputs }: TeacherRequest): Promise<TeacherOutputs> {
    const { teacher } = this.#options;
    if (!teacher || outputs.size === 0) return {};
    return teacher.extract(batch, outputs, this.#signal);
  }

  #committed(
    bank: BankMirror,
    step: number,
    { context }: StepTrace,
  ): Promise<Float32Array> {
    return inSpan('rrd.student.mirror_wait', context, async () => {
      const { rows, traceparent } = await bank.committed(step, this.#signal);
      linkCommit(traceparent);
      return rows;
    });
  }
}
