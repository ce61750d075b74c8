import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { experimentSchema } from './experiment.js';
import { createForwardProgram } from './forward-program.js';
import { createNetwork } from './models/index.js';
import { l2Normalize } from './ops/l2-normalize.js';
import type { NamedTensors } from './tensors.js';
import { expectClose, onDevice, randomTensor } from './testing/numeric.js';
import { createTrainProgram } from './train-program.js';

const batchSize = 4;
const experiment = experimentSchema.parse({
  name: 'test',
  dataset: 'procedural',
  student: { network: 'resnet8' },
  teacher: { model: 'any' },
  loss: { kd: {}, rrd: { preset: 'cli', weight: 0.5 } },
  bank: { capacity: 8, featDim: 6 },
  training: { epochs: 1, batchSize },
});
const { program, initialState } = createTrainProgram({
  network: createNetwork('resnet8', 3),
  experiment,
  imageShape: [4, 4, 3],
  teacherFeatureDim: 10,
});

function inputs(learningRate: number): NamedTensors {
  return {
    images: randomTensor([batchSize, 4, 4, 3], 'images'),
    labels: tf.tensor1d([0, 1, 2, 1], 'int32'),
    learningRate: tf.scalar(learningRate),
    teacherLogits: randomTensor([batchSize, 3], 'logits'),
    teacherEmbeddings: l2Normalize(randomTensor([batchSize, 6], 'embeddings')),
    queue: l2Normalize(randomTensor([8, 6], 'queue')),
  };
}

function value(outputs: NamedTensors, name: string): number {
  return outputs[name]!.dataSync()[0]!;
}

describe('createTrainProgram', () => {
  it('declares what it takes and what it carries', () => {
    const given = inputs(0);
    expect(Object.keys(program.inputs).sort()).toEqual(
      Object.keys(given).sort(),
    );
    for (const [name, { shape, dataType }] of Object.entries(program.inputs)) {
      expect(given[name]!.shape).toEqual(shape);
      expect(given[name]!.dtype).toBe(dataType);
    }
    const state = initialState(0);
    expect(Object.keys(state).sort()).toEqual(
      Object.keys(program.state).sort(),
    );
    for (const name of ['fc.bias', 'rrd.embed.weight']) {
      const momentum = state[`momentum.${name}`]!;
      expect(momentum.shape).toEqual(state[name]!.shape);
      expect(momentum.data.every((v) => v === 0)).toBe(true);
    }
  });

  it('draws its state from the seed', () => {
    const name = 'rrd.embed.weight';
    expect(initialState(1)[name]).toEqual(initialState(1)[name]);
    expect(initialState(1)[name]).not.toEqual(initialState(2)[name]);
  });

  it('reports the loss and each of its terms', () => {
    const { outputs } = program.run(onDevice(initialState(0)), inputs(0));
    expect(Object.keys(outputs).sort()).toEqual([
      'correct',
      'crossEntropy',
      'kd',
      'loss',
      'rrd',
      'rrd.kl',
    ]);
    const expected =
      value(outputs, 'crossEntropy') +
      value(outputs, 'kd') +
      0.5 * value(outputs, 'rrd');
    expect(value(outputs, 'loss')).toBeCloseTo(expected, 4);
    expect(value(outputs, 'rrd.kl')).toBeLessThan(value(outputs, 'rrd'));
    expect([0, 1, 2, 3, 4]).toContain(value(outputs, 'correct'));
  });

  it('changes every state tensor, heads and counters too', () => {
    const before = onDevice(initialState(0));
    const { state } = program.run(before, inputs(0.1));
    expect(Object.keys(state).sort()).toEqual(
      Object.keys(program.state).sort(),
    );
    for (const name of ['conv1.weight', 'rrd.embed.bias', 'bn1.running_var']) {
      expect(state[name]!.dataSync()).not.toEqual(before[name]!.dataSync());
    }
    expectClose(state['bn1.num_batches_tracked']!, [1], 0);
  });

  it('leaves nothing behind but its results', () => {
    const state = onDevice(initialState(0));
    const given = inputs(0.1);
    const before = tf.memory().numTensors;
    const result = tf.tidy(() => {
      const { state: next, outputs } = program.run(state, given);
      return { ...next, ...outputs };
    });
    const own = Object.values(result);
    expect(tf.memory().numTensors).toBe(before + own.length);
    tf.dispose(own);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('brings the loss of one batch down', () => {
    const given = inputs(0.02);
    let state = onDevice(initialState(0));
    const losses = [0, 1, 2, 3].map(() => {
      const result = program.run(state, given);
      state = { ...state, ...result.state };
      return value(result.outputs, 'loss');
    });
    expect(losses[3]).toBeLessThan(0.8 * losses[0]!);
  });
});

describe('weight decay', () => {
  it('shrinks heads and classifier even where the loss is flat', () => {
    // A queue of equal rows: all similarities are alike, RRD has no gradient.
    const state = onDevice(initialState(0));
    const given = { ...inputs(1), queue: tf.ones([8, 6]) };
    const result = program.run(state, given);
    const before = state['rrd.embed.weight']!;
    const shrunk = tf.mul(before, 1 - 5e-4);
    expectClose(result.state['rrd.embed.weight']!, shrunk, 1e-6);
  });
});

describe('createForwardProgram', () => {
  it('gives features and logits in eval mode, and no new state', () => {
    const network = createNetwork('resnet8', 3);
    const forward = createForwardProgram(network, [4, 4, 3], batchSize);
    const state = onDevice(initialState(0));
    const { images } = inputs(0);
    const result = forward.run(state, { images: images! });
    expect(result.state).toEqual({});
    expect(result.outputs['features']!.shape).toEqual([batchSize, 64]);
    expect(result.outputs['logits']!.shape).toEqual([batchSize, 3]);
  });
});
