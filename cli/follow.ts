import type { Experiment } from '#distill/experiment.js';
import { DrainingError } from '#runtime/errors.js';
import {
  type OrchestratorClient,
  type Run,
  type Standing,
  failureOf,
  isFinal,
} from './orchestrator-client.js';

/**
 * Watches a run to its end.
 * @param signal aborting it ends the watch, not the run
 * @returns the final record of a run that succeeded
 * @throws the very error that ended the run, if it did not; the signal's
 *   reason
 */
export async function followRun(
  orchestrator: OrchestratorClient,
  runId: string,
  onChange: (run: Run) => void,
  signal?: AbortSignal,
): Promise<Run> {
  for await (const run of orchestrator.watch(runId, signal)) {
    onChange(run);
    if (!isFinal(run)) continue;
    const failure = failureOf(run);
    if (failure) throw failure;
    return run;
  }
  // A server that means to go on ends a watch only behind the final record.
  throw new DrainingError({ service: 'the orchestrator' });
}

/**
 * Submits a run that is its caller's own, and watches it to its end.
 * @param interrupted aborting it cancels the run, which then ends cancelled
 */
export async function submitAndFollow(
  orchestrator: OrchestratorClient,
  submission: {
    readonly experiment: Experiment;
    readonly runId?: string | undefined;
    readonly standing?: Standing;
  },
  onChange: (run: Run) => void,
  interrupted: AbortSignal,
): Promise<Run> {
  const { experiment, runId: wanted, standing } = submission;
  const { runId } = await orchestrator.submit(experiment, wanted, standing);
  const stop = new AbortController();
  const cancel = () =>
    void orchestrator.cancel(runId).catch((error: unknown) => {
      stop.abort(error);
    });
  interrupted.addEventListener('abort', cancel, { once: true });
  if (interrupted.aborted) cancel();
  try {
    return await followRun(orchestrator, runId, onChange, stop.signal);
  } finally {
    interrupted.removeEventListener('abort', cancel);
  }
}
