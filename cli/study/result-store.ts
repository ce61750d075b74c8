import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { RunResult__Output } from '#proto/rrd/v1/RunResult.js';
import { CorruptFileError, InvalidRequestError } from '#runtime/errors.js';
import type { PlannedRun } from './plan.js';

const fraction = z.number().min(0).max(1);

/** What is kept of a run that succeeded. */
const keptSchema = z.object({
  experiment: z.unknown(),
  result: z.object({
    /** Behind the last epoch. */
    testAccuracy: fraction,
    /** Behind the best epoch. */
    bestTestAccuracy: fraction,
    agreementWithTeacher: fraction.optional(),
    imagesPerSecond: z.number(),
    steps: z.number(),
    engine: z.string(),
    checkpoint: z.string(),
  }),
});

export type KeptResult = z.infer<typeof keptSchema>['result'];

/** Results of finished runs, a file each: there whole or not at all. */
export class ResultStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /**
   * @returns undefined if the run has not finished yet
   * @throws InvalidRequestError if what is kept is of another experiment;
   *   CorruptFileError
   */
  find({ runId, experiment }: PlannedRun): KeptResult | undefined {
    const path = this.#pathOf(runId);
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    const kept = parse(text, path);
    if (isDeepStrictEqual(kept.experiment, asJson(experiment))) {
      return kept.result;
    }
    throw new InvalidRequestError({
      field: 'study',
      value: `${runId}, which ran with other settings (${path})`,
      expected: 'the settings that it ran with, or another name or --runs',
    });
  }

  keep(
    { runId, experiment }: PlannedRun,
    result: RunResult__Output,
  ): KeptResult {
    const kept = keptSchema.parse({ experiment, result });
    replaceText(
      this.#pathOf(runId),
      `${JSON.stringify({ runId, ...kept }, null, 2)}\n`,
    );
    return kept.result;
  }

  #pathOf(runId: string): string {
    return join(this.#folder, `${runId}.json`);
  }
}

/** Replaces a file; whoever reads it sees the old one or the new one. */
export function replaceText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { flush: true });
  renameSync(temporary, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string, path: string): z.infer<typeof keptSchema> {
  try {
    return keptSchema.parse(JSON.parse(text));
  } catch {
    const problem = 'not the result of a run';
    throw new CorruptFileError({ path, problem });
  }
}

/** What comes back from a file: without fields that are undefined. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
