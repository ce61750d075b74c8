import type { Run__Output } from '#proto/rrd/v1/Run.js';
import type { Experiment } from '#distill/experiment.js';
import {
  type DomainError,
  InternalError,
  rebuildError,
  RunCancelledError,
} from '#runtime/errors.js';
import { newRunId } from '#runtime/run-id.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { openLeader } from './leader-client.js';

/** A run as the orchestrator tells it; see proto/rrd/v1/run.proto. */
export type Run = Run__Output;

const finalPhases = new Set<string>([
  'RUN_PHASE_SUCCEEDED',
  'RUN_PHASE_FAILED',
  'RUN_PHASE_CANCELLED',
]);

export function isFinal(run: Run): boolean {
  return finalPhases.has(run.phase);
}

/** For a run that waits: its place, and what workers lacked so far. */
export function waitingText(run: Run): string {
  if (run.place === 0) return '';
  const lack = run.failure ? `: ${run.failure.message}` : '';
  return `place ${run.place}${lack}`;
}

/** `running`, `succeeded`, ... */
export function phaseName(run: Run): string {
  return run.phase.replace('RUN_PHASE_', '').toLowerCase();
}

/** Why a run did not succeed, as the very error that ended it. */
export function failureOf(run: Run): DomainError | undefined {
  if (run.phase === 'RUN_PHASE_CANCELLED') {
    return new RunCancelledError({ runId: run.runId });
  }
  if (run.phase !== 'RUN_PHASE_FAILED') return undefined;
  const { reason, metadata } = run.failure ?? { reason: '', metadata: {} };
  return rebuildError(reason, metadata) ?? new InternalError({});
}

/** Longer than the orchestrator itself waits for a bus that is away. */
const deadlineMs = 30_000;

/** Whose a run is, and how urgent: the highest priority goes first. */
export interface Standing {
  readonly user?: string;
  readonly priority?: number;
}

/** The orchestrator as the command line uses it. */
export interface OrchestratorClient {
  submit(
    experiment: Experiment,
    runId?: string,
    standing?: Standing,
  ): Promise<Run>;
  get(runId: string): Promise<Run>;
  list(): Promise<Run[]>;
  cancel(runId: string): Promise<Run>;
  pause(runId: string): Promise<Run>;
  resume(runId: string): Promise<Run>;
  /** The run now and after every change, up to and with its final record. */
  watch(runId: string, signal?: AbortSignal): AsyncIterable<Run>;
  close(): void;
}

/**
 * @param addresses `host:port` of each orchestrator on the bus, with commas;
 *   any of them answers, and the others are asked when it is gone
 * @param tls plaintext without
 */
export function openOrchestrator(
  addresses: string,
  tls?: ClientTls,
): OrchestratorClient {
  const leader = openLeader(addresses, tls);
  const options = { deadlineMs };
  return {
    // An id of our own: asked twice, it is still one run.
    submit: async (
      experiment,
      runId = newRunId(experiment.name),
      standing = {},
    ) => {
      const experimentJson = JSON.stringify(experiment);
      const request = { runId, experimentJson, ...standing };
      return record(
        await leader.ask((client) => client.submitRun(request, options)),
      );
    },
    get: async (runId) =>
      record(await leader.ask((client) => client.getRun({ runId }))),
    list: async () => (await leader.ask((client) => client.listRuns({}))).runs,
    cancel: async (runId) =>
      record(
        await leader.ask((client) => client.cancelRun({ runId }, options)),
      ),
    pause: async (runId) =>
      record(await leader.ask((client) => client.pauseRun({ runId }, options))),
    resume: async (runId) =>
      record(
        await leader.ask((client) => client.resumeRun({ runId }, options)),
      ),
    watch: async function* (runId, signal) {
      const watch = leader.follow(async function* (client) {
        // A stream has no deadline and might never connect; this call has one.
        await client.getRun({ runId });
        yield* client.watchRun({ runId }, signal ? { signal } : {});
      }, signal);
      for await (const answer of watch) yield record(answer);
    },
    close: () => leader.close(),
  };
}

function record(answer: { run: Run | null }): Run {
  if (answer.run === null) throw new InternalError({});
  return answer.run;
}
