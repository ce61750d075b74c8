import { rngFrom } from '#distill/data/rng.js';
import { createNetwork } from '#distill/models/index.js';
import { sizeOf, type NamedHostTensors } from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';

/** What is timed: resnet8x4, CE + RRD, as in the paper's CIFAR-100 runs. */
export const workload = {
  network: 'resnet8x4',
  classCount: 100,
  batchSize: 64,
  capacity: 16384,
  featDim: 128,
} as const;

/** The step with its first state, and inputs of noise: the same in each run. */
export function studentStep() {
  const { network, classCount, batchSize, capacity, featDim } = workload;
  const { program, initialState } = createTrainProgram({
    network: createNetwork(network, classCount),
    experiment: {
      loss: {
        crossEntropy: 1,
        rrd: {
          weight: 1,
          studentTemperature: 0.1,
          teacherTemperature: 0.02,
          enqueue: 'before',
        },
      },
      bank: { capacity, featDim },
      training: { batchSize, momentum: 0.9, weightDecay: 5e-4 },
    },
    imageShape: [32, 32, 3],
    teacherFeatureDim: 256,
  });
  const names = Object.keys(program.inputs);
  const inputs: NamedHostTensors = Object.fromEntries(
    names.map((name) => [name, inputOf(name, program.inputs[name]!.shape)]),
  );
  return { program, state: initialState(1), inputs };
}

/** Pixels of deviation 1, rows of length about 1, any class, a rate of 0.05. */
function inputOf(name: string, shape: readonly number[]) {
  const rng = rngFrom(1, 'bench', name);
  const length = sizeOf(shape);
  if (name === 'labels') {
    const draw = () => rng.integer(workload.classCount);
    return { shape, data: Int32Array.from({ length }, draw) };
  }
  if (name === 'learningRate') return { shape, data: Float32Array.of(0.05) };
  const deviation = name === 'images' ? 1 : workload.featDim ** -0.5;
  const draw = () => rng.normal() * deviation;
  return { shape, data: Float32Array.from({ length }, draw) };
}
