import type { Dataset } from '#distill/data/dataset.js';
import { createNetwork } from '#distill/models/index.js';
import {
  createTrainProgram,
  type TrainProgramOptions,
} from '#distill/train-program.js';
import type { EngineName } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
import { noiseFor } from './noise.js';
import { wholeStep, wholeStepExperiment } from './whole-step.js';

const steps = 12;

/**
 * The limit of a step over services: the student's program alone, with inputs
 * that are there. Milliseconds, without the first steps, which compile.
 */
export async function stepsAlone(
  name: EngineName,
  dataset: Dataset,
  teacherFeatureDim: number,
): Promise<number[]> {
  const engine = await createEngine(name);
  const classCount = dataset.classNames.length;
  const { program, initialState } = createTrainProgram({
    network: createNetwork(wholeStep.student, classCount),
    experiment: wholeStepExperiment(0, name),
    ...{ imageShape: dataset.imageShape, teacherFeatureDim },
  } satisfies TrainProgramOptions);
  const executable = await engine.compile(program, initialState(0));
  const { featDim } = wholeStep;
  const inputs = noiseFor(program.inputs, { classCount, featDim });
  const ms: number[] = [];
  for (let step = 0; step < steps; step++) {
    const startedMs = performance.now();
    await executable.run(inputs);
    ms.push(performance.now() - startedMs);
  }
  executable.dispose();
  await engine.dispose();
  return ms.slice(2);
}
