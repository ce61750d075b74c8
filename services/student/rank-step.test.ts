import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { experimentSchema } from '#distill/experiment.js';
import { createNetwork } from '#distill/models/index.js';
import { createRankPrograms } from '#distill/rank-programs.js';
import { meanOfRanks } from '#distill/ranks.js';
import { drawTensor, type NamedHostTensors } from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';
import { createEngine } from '#runtime/compute/index.js';
import type { Engine } from '#runtime/compute/engine.js';
import { RankStep } from './rank-step.js';

const batchSize = 3;
const learningRate = 0.1;

function optionsOf(ranks: number) {
  const experiment = experimentSchema.parse({
    ...{ name: 'test', dataset: 'procedural', ranks },
    ...{ student: { network: 'resnet8' }, teacher: { model: 'any' } },
    loss: { kd: {}, rrd: { preset: 'cli', weight: 0.5 } },
    bank: { capacity: 8, featDim: 6 },
    training: { epochs: 1, batchSize },
  });
  const network = createNetwork('resnet8', 3);
  return {
    ...{ network, experiment },
    ...{ imageShape: [4, 4, 3] as const, teacherFeatureDim: 10 },
  };
}

/** What `rank` has of a step: samples of its own, the queue of all. */
function inputsOf(rank: number): NamedHostTensors {
  const draw = (shape: number[], name: string, key: number | string) => {
    const rng = rngFrom('test', name, key);
    return drawTensor(shape, () => rng.normal());
  };
  const labels = Int32Array.from(
    { length: batchSize },
    (_, i) => (i + rank) % 3,
  );
  return {
    images: draw([batchSize, 4, 4, 3], 'images', rank),
    labels: { shape: [batchSize], data: labels },
    teacherLogits: draw([batchSize, 3], 'logits', rank),
    teacherEmbeddings: draw([batchSize, 6], 'embeddings', rank),
    queue: draw([8, 6], 'queue', 'all'),
  };
}

describe('a step in halves', () => {
  let engine: Engine;
  beforeAll(async () => void (engine = await createEngine('wasm')));
  afterAll(() => engine.dispose());

  async function start(ranks: number) {
    const programs = createRankPrograms(optionsOf(ranks));
    return RankStep.create(engine, programs, programs.initialState(5));
  }

  /** The step of these ranks, each with the samples of another. */
  async function take(step: RankStep, samples: readonly number[]) {
    const results = [];
    for (const [rank, of] of samples.entries())
      results.push(await step.gradients(rank, inputsOf(of)));
    const mean = meanOfRanks(results.map(({ vector }) => vector));
    return { results, scalars: await step.apply(mean, learningRate, []) };
  }

  it('is the whole step, bit for bit, where all ranks have the same samples', async () => {
    const { program, initialState } = createTrainProgram(optionsOf(1));
    const whole = await engine.compile(program, initialState(5));
    const halves = await start(2);
    for (const of of [1, 2]) {
      const rate = { shape: [], data: Float32Array.of(learningRate) };
      const outputs = await whole.run({ ...inputsOf(of), learningRate: rate });
      const { scalars } = await take(halves, [of, of]);
      expect(scalars).toEqual(outputs);
    }
    expect(await halves.readState()).toMatchObject(await whole.readState());
  });

  it('keeps the buffers of each rank apart', async () => {
    const step = await start(3);
    const before = await step.readState();
    expect(before['rank2.bn1.running_var']).toEqual(before['bn1.running_var']);
    await take(step, [0, 1, 2]);
    const { 'bn1.running_var': zero, ...after } = await step.readState();
    expect(after['rank1.bn1.running_var']).not.toEqual(zero);
    expect(after['rank2.bn1.running_var']).not.toEqual(zero);
  });

  it('gives the same, wherever its ranks are computed', async () => {
    const together = await start(3);
    const [here, there] = [await start(3), await start(3)];
    for (const round of [0, 3]) {
      await take(together, [round, round + 1, round + 2]);
      const zero = await here.gradients(0, inputsOf(round));
      const two = await here.gradients(2, inputsOf(round + 2));
      const one = await there.gradients(1, inputsOf(round + 1));
      const vectors = [zero, one, two].map(({ vector }) => vector);
      const mean = meanOfRanks(vectors);
      const elsewhere = [{ rank: 1, buffers: one.buffers }];
      await here.apply(mean, learningRate, elsewhere);
      await there.apply(mean, learningRate, []);
    }
    expect(await here.readState()).toEqual(await together.readState());
  });

  it('can compute a rank again before the step is applied, and go back', async () => {
    const [once, twice] = [await start(2), await start(2)];
    await take(once, [0, 1]);
    const start0 = await twice.readState();
    await take(twice, [4, 5]);
    await twice.gradients(1, inputsOf(7));
    await twice.writeState(start0);
    await twice.gradients(1, inputsOf(8));
    await take(twice, [0, 1]);
    expect(await twice.readState()).toEqual(await once.readState());
  });

  it('refuses a mean of another length', async () => {
    const step = await start(2);
    const { vector } = await step.gradients(0, inputsOf(0));
    const short = vector.subarray(1);
    await expect(step.apply(short, learningRate, [])).rejects.toThrow(
      `${short.byteLength} bytes, expected ${vector.byteLength}`,
    );
  });
});
