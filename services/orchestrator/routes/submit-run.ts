import { experimentSchema, type Experiment } from '#distill/experiment.js';
import type { JsonObject } from '#runtime/bus/bus.js';
import { checkToken } from '#runtime/bus/subjects.js';
import { parseConfig } from '#runtime/config.js';
import { ConfigInvalidError, InvalidRequestError } from '#runtime/errors.js';
import { newRunId } from '#runtime/run-id.js';
import type { Context, Routes } from '../context.js';
import { toWireRun } from '../wire.js';

/** All records that are kept must fit into one answer of ListRuns. */
const maxExperimentBytes = 32 * 1024;
const source = 'experiment';
const maxUserLength = 64;

/** See OrchestratorService.SubmitRun. */
export const submitRun =
  ({ scheduler, store }: Context): Routes['submitRun'] =>
  async ({ runId, experimentJson, priority, user }) => {
    if (runId !== '') checkToken('run_id', runId);
    const value = parseJson(experimentJson);
    const experiment = parseConfig(experimentSchema, value, source);
    const id = runId || newRunId(experiment.name);
    checkUser(user);
    const record = await scheduler.submit({
      ...{ runId: id, experiment: asJson(experiment), priority, user },
    });
    return { run: toWireRun(record, store) };
  };

/** @throws InvalidRequestError */
function checkUser(user: string): void {
  if (user.length <= maxUserLength) return;
  throw new InvalidRequestError({
    field: 'user',
    value: JSON.stringify(user.slice(0, 80)),
    expected: `at most ${maxUserLength} characters`,
  });
}

/** As the bus will give it back, so that experiments can be compared. */
function asJson(experiment: Experiment): JsonObject {
  return JSON.parse(JSON.stringify(experiment)) as JsonObject;
}

function parseJson(json: string): unknown {
  const bytes = Buffer.byteLength(json);
  if (bytes > maxExperimentBytes) {
    throw invalid(`${bytes} bytes`, `at most ${maxExperimentBytes}`);
  }
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw invalid(JSON.stringify(json.slice(0, 60)), 'JSON', cause);
  }
}

function invalid(value: string, expected: string, cause?: unknown) {
  return new ConfigInvalidError(
    { source, line: 0, field: 'experiment_json', value, expected },
    { cause },
  );
}
