import { rngFrom } from '#distill/data/rng.js';
import type { Dataset } from '#distill/data/dataset.js';
import { createNetwork } from '#distill/models/index.js';
import { type HostTensor, sizeOf } from '#distill/tensors.js';
import {
  createTrainProgram,
  type TrainProgramOptions,
} from '#distill/train-program.js';
import type { EngineName } from '#runtime/compute/engine.js';
import { createEngine } from '#runtime/compute/index.js';
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
  const inputs = Object.fromEntries(
    Object.entries(program.inputs).map(([input, { shape }]) => [
      input,
      inputOf(input, shape, classCount),
    ]),
  );
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

/** Rows of length about 1, pixels of deviation 1, any class. */
function inputOf(
  name: string,
  shape: readonly number[],
  classCount: number,
): HostTensor {
  const rng = rngFrom(1, 'bench', name);
  const length = sizeOf(shape);
  if (name === 'learningRate') return { shape, data: Float32Array.of(0.05) };
  if (name === 'labels') {
    const draw = () => rng.integer(classCount);
    return { shape, data: Int32Array.from({ length }, draw) };
  }
  const deviation = name === 'images' ? 1 : wholeStep.featDim ** -0.5;
  const draw = () => rng.normal() * deviation;
  return { shape, data: Float32Array.from({ length }, draw) };
}
