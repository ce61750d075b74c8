import { describe, expect, it } from 'vitest';
import { experimentSchema } from '#distill/experiment.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork } from '#distill/models/index.js';
import { rngFrom } from '#distill/data/rng.js';
import {
  sizeOf,
  type NamedHostTensors,
  type NamedSpecs,
} from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';
import { cpuProvider } from '../cpu.js';
import { createOnnxEngine } from './index.js';

const onnx = await createOnnxEngine({ threads: 1 });
const cpu = await cpuProvider.create();

const imageShape = [8, 8, 3] as const;
const classCount = 10;

function largest(values: readonly number[], atLeast = 0): number {
  return values.reduce((a, b) => Math.max(a, b), atLeast);
}

/** The largest difference, relative to the largest value of its tensor. */
function largestDifference(a: NamedHostTensors, b: NamedHostTensors): number {
  expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
  const differences = Object.entries(a).map(([name, { data }]) => {
    const values = Array.from(data);
    const other = b[name]!.data;
    const scale = largest(values.map(Math.abs), 1e-3);
    return largest(values.map((v, i) => Math.abs(v - other[i]!) / scale));
  });
  return largest(differences);
}

/** Rows of length about 1, labels below the class count, a rate of 0.05. */
function inputsFor(specs: NamedSpecs, seed: number): NamedHostTensors {
  const rng = rngFrom(seed, 'inputs');
  const entries = Object.entries(specs).map(([name, { shape, dataType }]) => {
    const length = sizeOf(shape);
    const deviation = name === 'images' ? 1 : (shape.at(-1) ?? 1) ** -0.5;
    const data =
      dataType === 'int32'
        ? Int32Array.from({ length }, () => rng.integer(classCount))
        : Float32Array.from({ length }, () =>
            name === 'learningRate' ? 0.05 : rng.normal() * deviation,
          );
    return [name, { shape, data }] as const;
  });
  return Object.fromEntries(entries);
}

describe('training steps agree with the cpu engine', () => {
  it.each([
    ['resnet8', 4, 3],
    ['wrn_16_1', 4, 1],
  ])(
    '%s, CE + KD + RRD',
    { timeout: 120_000 },
    async (name, batchSize, steps) => {
      const experiment = experimentSchema.parse({
        name: 'test',
        dataset: 'procedural',
        student: { network: name },
        teacher: { model: 'teacher' },
        loss: { kd: {}, rrd: { preset: 'paper' } },
        bank: { capacity: 32, featDim: 8 },
        training: { epochs: 1, batchSize },
      });
      const { program, initialState } = createTrainProgram({
        network: createNetwork(name as 'resnet8', classCount),
        experiment,
        imageShape,
        teacherFeatureDim: 16,
      });
      const state = initialState(1);
      const expected = await cpu.compile(program, state);
      const actual = await onnx.compile(program, state);
      for (let step = 0; step < steps; step++) {
        const inputs = inputsFor(program.inputs, step);
        const outputs = await expected.run(inputs);
        expect(
          largestDifference(outputs, await actual.run(inputs)),
        ).toBeLessThan(1e-4);
      }
      expect(
        largestDifference(await expected.readState(), await actual.readState()),
      ).toBeLessThan(1e-4);
      actual.dispose();
      expected.dispose();
    },
  );
});

describe('forward passes', () => {
  it('agree with the cpu engine', async () => {
    const network = createNetwork('resnet8', classCount);
    const program = createForwardProgram(network, imageShape, 3);
    const state = network.init(rngFrom(1, 'weights'));
    const inputs = inputsFor(program.inputs, 1);
    const [expected, actual] = await Promise.all(
      [cpu, onnx].map(async (engine) =>
        (await engine.compile(program, state)).run(inputs),
      ),
    );
    expect(largestDifference(expected!, actual!)).toBeLessThan(1e-5);
  });
});
