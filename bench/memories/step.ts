import { createNetwork } from '#distill/models/index.js';
import { createTrainProgram } from '#distill/train-program.js';
import { createEngine } from '#runtime/compute/index.js';
import { noiseFor } from '../noise.js';
import { median, round } from '../statistics.js';

const batchSize = 64;
const classCount = 100;
const featDim = 128;
const negatives = 16_384;
const repeats = 5;

/** A step of resnet8x4 with CE and CRD whose memories hold `samples` rows. */
export async function measureStep(samples: number) {
  const engine = await createEngine('auto');
  const loss = {
    crossEntropy: 1,
    crdMemory: { weight: 0.8, temperature: 0.07, momentum: 0.5, negatives },
  };
  const { program, initialState } = createTrainProgram({
    network: createNetwork('resnet8x4', classCount),
    experiment: {
      loss,
      bank: { capacity: 1, featDim },
      training: { batchSize, momentum: 0.9, weightDecay: 5e-4 },
    },
    imageShape: [32, 32, 3],
    teacherFeatureDim: 256,
    sampleCount: samples,
  });
  const executable = await engine.compile(program, initialState(1));
  const inputs = noiseFor(program.inputs, {
    ...{ classCount, featDim, sampleCount: samples },
  });
  await executable.run(inputs);
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const startedMs = performance.now();
    await executable.run(inputs);
    seconds.push((performance.now() - startedMs) / 1000);
  }
  executable.dispose();
  const { name } = engine;
  await engine.dispose();
  return { engine: name, seconds: round(median(seconds)) };
}
