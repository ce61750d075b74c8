import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { experimentSchema } from './experiment.js';
import { crossEntropy } from './losses/cross-entropy.js';
import { kl } from './losses/kl.js';
import { createNetwork } from './models/index.js';
import type { NamedTensors } from './tensors.js';
import { expectClose, onDevice, randomTensor } from './testing/numeric.js';
import { createTrainProgram } from './train-program.js';

const batchSize = 4;
const network = createNetwork('resnet8', 3);

function programOf(loss: object) {
  const experiment = experimentSchema.parse({
    ...{ name: 'test', dataset: 'procedural', teacher: { model: 'any' }, loss },
    student: { network: 'resnet8' },
    training: { epochs: 1, batchSize },
  });
  const imageShape = [4, 4, 3] as const;
  const facts = { imageShape, teacherFeatureDim: 10 };
  return createTrainProgram({ network, experiment, ...facts });
}

const given: NamedTensors = {
  images: randomTensor([batchSize, 4, 4, 3], 'images'),
  labels: tf.tensor1d([0, 1, 2, 1], 'int32'),
  teacherLogits: randomTensor([batchSize, 3], 'logits'),
  'cutmix1.images': randomTensor([batchSize, 4, 4, 3], 'first'),
  'cutmix1.teacherLogits': randomTensor([batchSize, 3], 'first logits'),
  'cutmix2.images': randomTensor([batchSize, 4, 4, 3], 'second'),
  'cutmix2.teacherLogits': randomTensor([batchSize, 3], 'second logits'),
  learningRate: tf.scalar(0.1),
};

const loss = {
  crossEntropy: 0.1,
  kd: { weight: 0.9 },
  augmentedKd: { views: 2 },
};

it('asks for the images and the teacher of each view', () => {
  const { program } = programOf(loss);
  expect(Object.keys(program.inputs).sort()).toEqual(Object.keys(given).sort());
});

it('is three forwards of one network, and the sum of their losses', () => {
  const { program, initialState } = programOf(loss);
  const state = onDevice(initialState(0));
  const { outputs, state: next } = program.run(state, given);
  const looked: NamedTensors[] = [];
  const logits = ['images', 'cutmix1.images', 'cutmix2.images'].map((name) => {
    const before = { ...state, ...looked.at(-1) };
    const seen = network.forward(before, given[name] as tf.Tensor4D, 'train');
    looked.push(seen.buffers);
    return seen.logits;
  });
  const labels = given['labels'] as tf.Tensor1D;
  const taught = (name: string) => given[name] as tf.Tensor2D;
  const expected = tf.addN([
    tf.mul(crossEntropy(logits[0]!, labels), 0.1),
    tf.mul(kl(logits[0]!, taught('teacherLogits'), 4), 0.9),
    tf.mul(kl(logits[1]!, taught('cutmix1.teacherLogits'), 4), 0.9),
    tf.mul(kl(logits[2]!, taught('cutmix2.teacherLogits'), 4), 0.9),
  ]);
  expectClose(outputs['loss']!, expected.dataSync(), 1e-6);
  for (const [name, tensor] of Object.entries(looked.at(-1)!)) {
    expectClose(next[name]!, tensor.dataSync(), 1e-6);
  }
});

it('is one step, whether its weights are constant or scheduled', () => {
  const way = (from: number) => ({ from, to: 0, epochs: 10 });
  const constant = programOf({ crossEntropy: 0.7, kd: { weight: 0.2 } });
  const scheduled = programOf({ crossEntropy: way(5), kd: { weight: way(9) } });
  const { images, labels, teacherLogits, learningRate } = given;
  const own = { images, labels, teacherLogits, learningRate } as NamedTensors;
  const weights = {
    'weight.crossEntropy': tf.scalar(0.7),
    'weight.kd': tf.scalar(0.2),
  };
  const state = onDevice(constant.initialState(0));
  const one = constant.program.run(state, own);
  const other = scheduled.program.run(state, { ...own, ...weights });
  expectClose(other.outputs['loss']!, one.outputs['loss']!.dataSync(), 1e-6);
  for (const [name, tensor] of Object.entries(one.state)) {
    expectClose(other.state[name]!, tensor.dataSync(), 1e-6);
  }
});
