import { rngFrom } from '#distill/data/rng.js';
import { createNetwork } from '#distill/models/index.js';
import {
  type HostTensor,
  type NamedHostTensors,
  sizeOf,
} from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';
import { createEngine } from '#runtime/compute/index.js';
import { median, round } from '../statistics.js';

const batchSize = 64;
const classCount = 100;
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
      bank: { capacity: 1, featDim: 128 },
      training: { batchSize, momentum: 0.9, weightDecay: 5e-4 },
    },
    imageShape: [32, 32, 3],
    teacherFeatureDim: 256,
    sampleCount: samples,
  });
  const executable = await engine.compile(program, initialState(1));
  const inputs: NamedHostTensors = Object.fromEntries(
    Object.entries(program.inputs).map(([name, { shape }]) => [
      name,
      inputOf(name, shape, samples),
    ]),
  );
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

function inputOf(
  name: string,
  shape: readonly number[],
  samples: number,
): HostTensor {
  const rng = rngFrom(1, 'bench', name);
  const length = sizeOf(shape);
  const integers = (bound: number) =>
    Int32Array.from({ length }, () => rng.integer(bound));
  if (name === 'labels') return { shape, data: integers(classCount) };
  if (name === 'contrast') return { shape, data: integers(samples) };
  if (name === 'learningRate') return { shape, data: Float32Array.of(1e-3) };
  // A memory's rows have length 1 in the mean square.
  const bound = name.startsWith('memory.') ? (3 / 128) ** 0.5 : 1;
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = (2 * rng.uniform() - 1) * bound;
  return { shape, data };
}
