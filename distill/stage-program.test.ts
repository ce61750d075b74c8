import type { TensorContainer } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from './data/rng.js';
import { experimentSchema } from './experiment.js';
import { mapShapesOf } from './map-shapes.js';
import { phasesOf } from './phases.js';
import type { ProgramResult } from './program.js';
import { carriedOver, createStageProgram } from './stage-program.js';
import { sizeOf, type NamedHostTensors, type NamedSpecs } from './tensors.js';
import { onDevice } from './testing/numeric.js';
import { toyNetwork } from './testing/toy-network.js';
import { createTrainProgram } from './train-program.js';

beforeAll(() => tf.setBackend('cpu'));

const network = toyNetwork(4);
const imageShape = [4, 4, 3] as const;
const teacherMaps = mapShapesOf(network, imageShape);
const bank = { capacity: 8, featDim: 3 };
const training = { batchSize: 4, momentum: 0.9, weightDecay: 0 };

const experimentOf = (loss: object) =>
  experimentSchema.parse({
    ...{ name: 'staged', dataset: 'any', student: { network: 'resnet8' } },
    ...{ teacher: { model: 'any' }, loss },
    training: { epochs: 2, learningRate: 0.05, batchSize: 4 },
  });

/** Inputs of noise, as images and maps are: none below 0. */
function inputsOf(specs: NamedSpecs, learningRate: number): NamedHostTensors {
  const entries = Object.entries(specs).map(([name, { shape }]) => {
    const rng = rngFrom(1, name);
    const length = sizeOf(shape);
    if (name === 'labels')
      return [name, { shape, data: new Int32Array(length) }] as const;
    const draw = () => Math.abs(rng.normal());
    const data = Float32Array.from({ length }, draw);
    return [name, { shape, data }] as const;
  });
  const rate = { shape: [], data: Float32Array.of(learningRate) };
  const named = Object.fromEntries(entries) as NamedHostTensors;
  return { ...named, learningRate: rate };
}

/** Losses of some steps, and the names of what has changed. */
function train(name: 'ab' | 'fsp' | 'ft', params: object = {}) {
  const [phase] = phasesOf(experimentOf({ [name]: params }));
  const { loss, stage, learningRateAt } = phase!;
  const { program, initialState } = createStageProgram(
    {
      ...{ network, imageShape, teacherFeatureDim: 0, teacherMaps },
      experiment: { loss, bank, training },
    },
    stage!,
  );
  const first = initialState(3);
  const inputs = onDevice(inputsOf(program.inputs, learningRateAt(1)));
  let state = onDevice(first);
  const losses = Array.from({ length: 4 }, () => {
    const run = () => program.run(state, inputs) as unknown as TensorContainer;
    const result = tf.tidy(run) as unknown as ProgramResult;
    state = { ...state, ...result.state };
    return result.outputs['loss']!.dataSync()[0]!;
  });
  const changed = Object.keys(first).filter((key) => {
    const now = state[key]!.dataSync();
    return first[key]!.data.some((value, i) => value !== now[i]);
  });
  return { losses, changed, first };
}

describe('a stage', () => {
  it.each(['ab', 'fsp', 'ft'] as const)('of %s lessens its loss', (name) => {
    const { losses } = train(name);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it('of ab teaches layers and connectors, but no classifier', () => {
    const { changed } = train('ab');
    expect(changed).toEqual(
      expect.arrayContaining(['stage1.weight', 'ab.connectors.0.conv.weight']),
    );
    expect(changed.filter((key) => /^(momentum\.)?fc\./.test(key))).toEqual([]);
  });

  it('of ft teaches the paraphraser and its decoder, and nothing else', () => {
    const { changed, first } = train('ft');
    const own = (key: string) => /ft\.(paraphraser|decoder)\./.test(key);
    expect(changed.every(own)).toBe(true);
    expect(changed).toContain('ft.decoder.6.weight');
    expect(Object.keys(first)).not.toContain('momentum.stage1.weight');
  });

  it('hands over what the run shares with it, without momentum', () => {
    const { first: stage } = train('ft');
    const [, run] = phasesOf(experimentOf({ ft: {} }));
    const { initialState } = createTrainProgram({
      ...{ network, imageShape, teacherFeatureDim: 0, teacherMaps },
      experiment: { loss: run!.loss, bank, training },
    });
    const trained = Object.fromEntries(
      Object.entries(stage).map(([key, { shape, data }]) => {
        return [key, { shape, data: data.map(() => 7) }];
      }),
    );
    const begun = carriedOver(initialState(3), trained);
    expect(begun['ft.paraphraser.0.weight']!.data[0]).toBe(7);
    expect(begun['stage1.weight']!.data[0]).toBe(7);
    expect(begun['momentum.stage1.weight']!.data[0]).toBe(0);
    expect(Object.keys(begun)).toEqual(Object.keys(initialState(3)));
  });
});

describe('the phases of an experiment', () => {
  const stagesOf = (loss: object) =>
    phasesOf(experimentOf(loss)).map((phase) => [
      phase.stage ?? 'run',
      phase.epochs,
      Object.keys(phase.loss),
    ]);

  it('are its stages and its run, which keeps what is not over', () => {
    expect(stagesOf({ kd: {}, ab: { stageEpochs: 3 }, ft: {} })).toEqual([
      ['ab', 3, ['crossEntropy', 'ab']],
      ['ft', 30, ['crossEntropy', 'ft']],
      ['run', 2, ['crossEntropy', 'kd', 'ft']],
    ]);
    const both = { ab: { stageEpochs: 3, inRun: true } };
    expect(stagesOf(both)[1]).toEqual(['run', 2, ['crossEntropy', 'ab']]);
    expect(stagesOf({ fsp: { stageEpochs: 0 } })).toEqual([
      ['run', 2, ['crossEntropy', 'fsp']],
    ]);
  });

  it('have a constant rate in a stage', () => {
    const [ft, run] = phasesOf(experimentOf({ ft: {} }));
    expect([ft!.learningRateAt(1), ft!.learningRateAt(30)]).toEqual([
      0.01, 0.01,
    ]);
    expect(run!.learningRateAt(1)).toBe(0.05);
  });
});
