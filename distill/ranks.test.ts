import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { experimentSchema } from './experiment.js';
import { createNetwork } from './models/index.js';
import { l2Normalize } from './ops/l2-normalize.js';
import { inputsOf, stateOf } from './ranks.js';
import type { NamedTensors } from './tensors.js';
import { onDevice, randomTensor } from './testing/numeric.js';
import { createTrainProgram } from './train-program.js';
import { applyGradients, gradients } from './train-step.js';

const batchSize = 3;
const network = createNetwork('resnet8', 3);

function stepOf(ranks: number) {
  const experiment = experimentSchema.parse({
    ...{ name: 'test', dataset: 'procedural', ranks },
    ...{ student: { network: 'resnet8' }, teacher: { model: 'any' } },
    loss: { kd: {}, rrd: { preset: 'cli', weight: 0.5 } },
    bank: { capacity: 8, featDim: 6 },
    training: { epochs: 1, batchSize },
  });
  const program = createTrainProgram({
    ...{ network, experiment, imageShape: [4, 4, 3], teacherFeatureDim: 10 },
  });
  return { ...program, experiment };
}

/** Samples that differ from rank to rank. */
function inputs(ranks: number): NamedTensors {
  const count = ranks * batchSize;
  const labels = Array.from({ length: count }, (_, i) => (i * i) % 3);
  return {
    images: randomTensor([count, 4, 4, 3], 'images'),
    labels: tf.tensor1d(labels, 'int32'),
    learningRate: tf.scalar(0.1),
    teacherLogits: randomTensor([count, 3], 'logits'),
    teacherEmbeddings: l2Normalize(randomTensor([count, 6], 'embeddings')),
    queue: l2Normalize(randomTensor([8, 6], 'queue')),
  };
}

function dataOf(tensors: NamedTensors) {
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.map(([name, t]) => [name, t.dataSync()]));
}

describe('a step of several ranks', () => {
  it('is that of one rank, bit for bit, where all have the same samples', () => {
    const [one, two] = [stepOf(1), stepOf(2)];
    const given = inputs(1);
    const twice = Object.fromEntries(
      Object.entries(given).map(([name, t]) => [
        name,
        /queue|learningRate/.test(name) ? t : tf.concat([t, t]),
      ]),
    );
    const expected = one.program.run(onDevice(one.initialState(0)), given);
    const actual = two.program.run(onDevice(two.initialState(0)), twice);
    expect(dataOf(actual.outputs)).toEqual(dataOf(expected.outputs));
    expect(dataOf(actual.state)).toMatchObject(dataOf(expected.state));
  });

  it('goes on with the mean of what each rank computes by itself', () => {
    const { program, initialState, experiment } = stepOf(3);
    const { loss, training } = experiment;
    const state = onDevice(initialState(0));
    const given = inputs(3);
    const names = Object.keys(state).flatMap((name) =>
      name.startsWith('momentum.') ? [name.slice('momentum.'.length)] : [],
    );
    const buffers = Object.keys(network.buffers);
    const alone = [0, 1, 2].map((rank) => {
      const own = inputsOf(rank, 3, given);
      const seen = stateOf(rank, state, buffers);
      return gradients({ network, loss }, names, seen, own);
    });
    const [a, b, c] = alone.map((step) => step.gradients);
    const mean = Object.fromEntries(
      names.map((name) => {
        const sum = tf.add(tf.add(a![name]!, b![name]!), c![name]!);
        return [name, tf.div(sum, 3)];
      }),
    );
    const rate = given['learningRate'] as tf.Scalar;
    const expected = applyGradients(
      { gradients: mean, buffers: alone[0]!.buffers },
      state,
      rate,
      training,
    );
    const actual = program.run(state, given);
    expect(dataOf(actual.state)).toMatchObject(dataOf(expected));
    for (const rank of [1, 2]) {
      const name = `rank${rank}.bn1.running_var`;
      const own = alone[rank]!.buffers['bn1.running_var']!.dataSync();
      expect(actual.state[name]!.dataSync()).toEqual(own);
      expect(actual.state['bn1.running_var']!.dataSync()).not.toEqual(own);
    }
    const losses = alone.map((s) => s.measurements['loss']!.dataSync()[0]!);
    const meanLoss = losses.reduce((sum, own) => sum + own) / 3;
    const total = actual.outputs['loss']!.dataSync()[0];
    expect(total).toBeCloseTo(meanLoss, 5);
  });

  it('starts all ranks alike', () => {
    const [one, two] = [stepOf(1), stepOf(2)];
    const state = two.initialState(5);
    expect(state).toMatchObject(one.initialState(5));
    expect(state['rank1.bn1.running_var']).toEqual(state['bn1.running_var']);
    expect(Object.keys(state).sort()).toEqual(
      Object.keys(two.program.state).sort(),
    );
  });

  it('leaves nothing behind but its results', () => {
    const { program, initialState } = stepOf(2);
    const state = onDevice(initialState(0));
    const given = inputs(2);
    const before = tf.memory().numTensors;
    const result = tf.tidy(() => {
      const { state: next, outputs } = program.run(state, given);
      return { ...next, ...outputs };
    });
    tf.dispose(Object.values(result));
    expect(tf.memory().numTensors).toBe(before);
  });
});
