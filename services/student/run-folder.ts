import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { locationIn } from '#runtime/checkpoint/index.js';
import type { RunResult } from '#runtime/bus/run-events.js';
import type { Evaluation, StepMeasurements } from './trainer-api.js';

/** A line of measurements.jsonl. Floats are the shortest text of their value. */
export type Measurement =
  | ({
      readonly type: 'step';
      readonly step: number;
      readonly epoch: number;
      /** Time spent waiting for teacher and bank. */
      readonly waitMs: number;
      readonly computeMs: number;
      /** Steps whose rows the queue still lacked; of a run that has one. */
      readonly queueLag?: number;
    } & StepMeasurements)
  | ({
      readonly type: 'evaluation';
      /** The last step before it. */
      readonly step: number;
      readonly epoch: number;
    } & Evaluation)
  | ({
      readonly type: 'result';
      /** All steps of the run. */
      readonly step: number;
      /** Of this attempt, evaluations and checkpoints included. */
      readonly totalImagesPerSecond: number;
      /** Steps by their `queueLag`, of this attempt too. */
      readonly queueLags?: Readonly<Record<number, number>>;
    } & RunResult);

const configName = 'config.json';
const measurementsName = 'measurements.jsonl';

/** What a run leaves behind: configuration, measurements, checkpoints. */
export class RunFolder {
  readonly path: string;
  /** Location of the checkpoints `step-<step>`. */
  readonly checkpoints: string;
  #measurements: FileHandle | undefined;

  /** @param checkpoints where all runs have theirs; here without it */
  constructor(runsDir: string, runId: string, checkpoints?: string) {
    this.path = join(runsDir, runId);
    this.checkpoints = checkpoints
      ? locationIn(checkpoints, runId)
      : join(this.path, 'checkpoints');
  }

  /**
   * Makes the folder; of earlier measurements, those before `fromStep` stay.
   * @param config everything that the run's numbers depend on
   */
  async begin(fromStep: number, config: object): Promise<void> {
    await mkdir(this.path, { recursive: true });
    const json = JSON.stringify(config, null, 2);
    await writeFile(join(this.path, configName), `${json}\n`);
    const path = join(this.path, measurementsName);
    const kept = (await earlierLines(path)).filter(
      (line) => stepOf(line) < fromStep,
    );
    await writeFile(`${path}.new`, kept.map((line) => `${line}\n`).join(''));
    await rename(`${path}.new`, path);
    this.#measurements = await open(path, 'a');
  }

  async record(measurement: Measurement): Promise<void> {
    await this.#measurements?.write(`${JSON.stringify(measurement)}\n`);
  }

  async close(): Promise<void> {
    await this.#measurements?.close();
    this.#measurements = undefined;
  }
}

async function earlierLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    },
  );
  return text.split('\n').slice(0, -1); // behind the last newline: cut off
}

function stepOf(line: string): number {
  return (JSON.parse(line) as Measurement).step;
}
