import type { Precision } from '#distill/precision.js';
import type { Assignment__Output } from '#proto/rrd/v1/Assignment.js';
import type { JoinRequest } from '#proto/rrd/v1/JoinRequest.js';
import type { JoinResponse__Output } from '#proto/rrd/v1/JoinResponse.js';
import {
  InvalidRequestError,
  MembersChangedError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import { connect, type ClientTls } from '#runtime/rpc/client.js';
import type { RunPlace } from '../backlog.js';
import type { StepFeed } from '../step-feed.js';
import { type StepPlace, takeStep } from '../take-step.js';
import type { TrainerApi } from '../trainer-api.js';
import { unlessAborted } from '../within.js';
import { maxBytesOf } from './chief.js';
import type { GroupHost } from './door.js';
import { Generation } from './generation.js';
import { Outbox } from './outbox.js';
import type { GroupSettings, ReplicaFacts } from './settings.js';
import { classifyOwnShare } from './shared-evaluation.js';
import { ChunkReader, decodeState } from './state-codec.js';

/** The feed of a generation, and what frees its connections. */
export interface MemberFeed {
  readonly feed: StepFeed;
  readonly close: () => void;
}

export interface MemberOptions extends StepPlace {
  readonly runId: string;
  readonly attempt: number;
  readonly worldSize: number;
  /** What vectors and means are rounded to. */
  readonly precision: Precision;
  readonly totalSteps: number;
  /** Samples of the test split. */
  readonly testSize: number;
  /** Whether the network is evaluated behind a step. */
  readonly evaluatesAfter: (step: number) => boolean;
  /** host:port of the run's chief. */
  readonly chief: string;
  readonly self: { readonly worker: string; readonly address: string };
  readonly facts: ReplicaFacts;
  readonly teacherDigest: string | undefined;
  readonly tls: ClientTls | undefined;
  readonly thread: StepPlace['thread'] &
    Pick<TrainerApi, 'writeTraining' | 'digest' | 'classify'>;
  /** More than a state of this run has. */
  readonly maxStateBytes: number;
  /**
   * @param step that the state is before
   * @param place of the queue that the state has, if the run has one
   */
  readonly feedOf: (
    ranks: readonly number[],
    step: number,
    place: RunPlace | null,
  ) => MemberFeed;
  readonly settings: GroupSettings;
  /** Aborts when the worker is to leave. */
  readonly signal: AbortSignal;
}

/** A worker that computes ranks of a run that another one holds. */
export class Member implements GroupHost {
  readonly #options: MemberOptions;
  readonly #requests = new Outbox<JoinRequest>();
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  #assignment: Assignment__Output | undefined;
  #state: ChunkReader | undefined;
  #training: Promise<void> = Promise.resolve();
  #joined = false;
  generation: Generation | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  get attempt(): number {
    return this.#options.attempt;
  }

  /** Whether the chief was ever heard: it knows when we are gone. */
  get joined(): boolean {
    return this.#joined;
  }

  /**
   * Until the run is over or has no more use for us.
   * @throws why we had to leave before
   */
  async run(): Promise<void> {
    const { chief, tls, settings } = this.#options;
    const client = connect('rrd.v1.CollectiveService', chief, { tls });
    const beat = setInterval(
      () => this.#requests.push({ heartbeat: {} }),
      settings.heartbeatMs,
    );
    this.#requests.push({ hello: this.#hello() });
    try {
      const options = { signal: this.#signal, idleMs: settings.leaseMs };
      const requests = this.#requests.read(this.#signal);
      for await (const message of client.join(requests, options)) {
        this.#joined = true;
        await this.#hear(message);
      }
    } finally {
      clearInterval(beat);
      this.#requests.end();
      await this.#endGeneration('this worker has left');
      client.close();
    }
  }

  #hello() {
    const { runId, attempt, self, facts } = this.#options;
    return { runId, attempt, ...self, ...facts };
  }

  async #hear({ assignment, state, go }: JoinResponse__Output): Promise<void> {
    if (assignment) await this.#take(assignment);
    const bytes = state && this.#state?.add(state);
    if (bytes && this.#assignment) await this.#load(this.#assignment, bytes);
    if (go && this.generation?.number === go.generation) {
      this.generation.links.dial();
      this.#training = this.#train(this.generation, this.#assignment!.step);
    }
  }

  async #take(assignment: Assignment__Output): Promise<void> {
    await this.#endGeneration('ranks are dealt again');
    const { maxStateBytes, teacherDigest } = this.#options;
    const { stateBytes, teacherDigest: expected } = assignment;
    if (expected !== teacherDigest) {
      throw new TeacherMismatchError({
        source: 'this worker',
        expected: expected ?? 'none',
        actual: teacherDigest ?? 'none',
      });
    }
    if (!(stateBytes <= maxStateBytes)) {
      const field = 'state_bytes';
      const expected = `at most ${maxStateBytes}`;
      throw new InvalidRequestError({ field, value: stateBytes, expected });
    }
    this.#assignment = assignment;
    this.#state = new ChunkReader(stateBytes);
  }

  async #load(assignment: Assignment__Output, bytes: Uint8Array) {
    const { thread, compute } = this.#options;
    this.#state = undefined;
    const state = decodeState(bytes, assignment.queue);
    await compute(thread.writeTraining(state));
    this.generation = this.#begin(assignment);
    this.#requests.push({ ready: { generation: assignment.generation } });
  }

  #begin(assignment: Assignment__Output): Generation {
    const { runId, attempt, tls, feedOf, settings, testSize, precision } =
      this.#options;
    const { heartbeatMs, leaseMs } = settings;
    const { generation, step, members, index, stateBytes } = assignment;
    const ranks = members.map((member) => member.ranks);
    const own = ranks[index] ?? [];
    const { feed, close } = feedOf(own, step, assignment.queue);
    const begun = new Generation({
      ...{ runId, attempt, generation, step, index, ranks },
      ...{ tls, heartbeatMs, leaseMs, precision },
      addresses: members.map(({ address }) => address),
      maxBytes: maxBytesOf(stateBytes, testSize),
      feedOf: () => feed,
      onBroken: ({ message: problem }) =>
        this.#requests.push({ broken: { generation, problem } }),
    });
    begun.changed.addEventListener('abort', close, { once: true });
    return begun;
  }

  async #endGeneration(problem: string): Promise<void> {
    const generation = this.generation?.number ?? 0;
    this.generation?.end(new MembersChangedError({ generation, problem }));
    await this.#training;
  }

  /** Steps in lockstep with the others, until the generation is over. */
  async #train(generation: Generation, from: number): Promise<void> {
    const { worldSize, totalSteps, settings, evaluatesAfter } = this.#options;
    const { feed, collective, changed, others } = generation;
    try {
      for (let step = from; step < totalSteps; step++) {
        const ready = await unlessAborted(feed.take(step), changed);
        await takeStep(this.#options, worldSize, collective, ready);
        const taken = step + 1;
        if (taken % settings.digestEverySteps === 0)
          await this.#tellDigest(generation.number, taken);
        if (evaluatesAfter(step))
          await classifyOwnShare(this.#options, others, taken);
      }
    } catch (error) {
      if (!changed.aborted) this.#failed.abort(error);
    }
  }

  async #tellDigest(generation: number, step: number): Promise<void> {
    const { thread, compute } = this.#options;
    const digest = await compute(thread.digest());
    this.#requests.push({ digest: { generation, step, digest } });
  }
}
