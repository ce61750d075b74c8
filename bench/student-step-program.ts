import { createNetwork } from '#distill/models/index.js';
import type { ConvPrecision } from '#distill/ops/autocast.js';
import { createTrainProgram } from '#distill/train-program.js';
import { noiseFor } from './noise.js';

/** What is timed: resnet8x4, CE + RRD, as in the paper's CIFAR-100 runs. */
export const workload = {
  network: 'resnet8x4',
  classCount: 100,
  batchSize: 64,
  capacity: 16384,
  featDim: 128,
} as const;

/** The step with its first state, and inputs of noise: the same in each run. */
export function studentStep(precision: ConvPrecision = 'float32') {
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
      training: { batchSize, momentum: 0.9, weightDecay: 5e-4, precision },
    },
    imageShape: [32, 32, 3],
    teacherFeatureDim: 256,
  });
  const inputs = noiseFor(program.inputs, { classCount, featDim });
  return { program, state: initialState(1), inputs };
}
