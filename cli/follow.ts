import {
  type OrchestratorClient,
  type Run,
  failureOf,
  isFinal,
} from './orchestrator-client.js';

/**
 * Watches a run to its end.
 * @returns the final record of a run that succeeded
 * @throws the very error that ended the run, if it did not
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
  // The server ends a watch only behind the final record; ask once more.
  return orchestrator.get(runId);
}
