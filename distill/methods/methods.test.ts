import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { rngFrom } from '../data/rng.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { presets } from '../temperature.js';
import { randomTensor } from '../testing/numeric.js';
import { methodNames, methods, type MethodName } from './index.js';
import type { Method, MethodInputs } from './method.js';
import { rrd } from './rrd.js';

const dims = {
  studentFeatureDim: 6,
  teacherFeatureDim: 5,
  classCount: 4,
  featDim: 3,
};
const batch = 4;

/** What a method needs written out; everything else has a default. */
const written: Record<MethodName, object> = { kd: {}, rrd: { preset: 'cli' } };

const features = randomTensor<tf.Tensor2D>([batch, 6], 'features');
const logits = randomTensor<tf.Tensor2D>([batch, 4], 'logits');
const teacher = {
  features: randomTensor<tf.Tensor2D>([batch, 5], 'teacher features'),
  logits: randomTensor<tf.Tensor2D>([batch, 4], 'teacher logits'),
  embeddings: l2Normalize(randomTensor([batch, 3], 'teacher embeddings')),
};
const queue = l2Normalize(randomTensor([8, 3], 'queue'));

function inputsOf(
  own: Partial<typeof teacher>,
  student = { features, logits },
): MethodInputs {
  return {
    student: { ...student, maps: [], buffers: {} },
    teacher: own,
    labels: tf.tensor1d([0, 1, 2, 3], 'int32'),
    queue,
  };
}

describe.each(methodNames)('%s', (name) => {
  const method: Method = methods[name];
  const params = method.params.parse(written[name]);
  const needs = method.needs(params);
  const wanted = Object.fromEntries(
    [...needs.teacher].map((output) => [output, teacher[output]]),
  );
  const heads = method.init(dims, params, rngFrom(0));
  const state = {
    trainable: Object.fromEntries(
      Object.entries(heads.trainable).map(([key, { shape, data }]) => [
        key,
        tf.tensor(data, [...shape]),
      ]),
    ),
    buffers: {},
  };

  it('goes by its own name', () => expect(method.name).toBe(name));

  it('parses its parameters to themselves, with a weight of 1', () => {
    expect(params.weight).toBe(1);
    expect(method.params.parse(params)).toEqual(params);
  });

  it('refuses unknown parameters', () => {
    const unknown = { ...written[name], tau: 1 };
    expect(method.params.safeParse(unknown).success).toBe(false);
  });

  it('needs no more than it says, and is finite', () => {
    const { loss, measurements } = method.loss(inputsOf(wanted), state, params);
    for (const scalar of [loss, ...Object.values(measurements ?? {})]) {
      expect(scalar.shape).toEqual([]);
      expect(Number.isFinite(scalar.dataSync()[0])).toBe(true);
    }
  });

  it('moves the student and every head, never the teacher', () => {
    const student = [features, logits];
    const head = Object.values(state.trainable);
    const given = Object.values(wanted);
    const f = () => method.loss(inputsOf(wanted), state, params).loss;
    const all = [...student, ...head, ...given];
    const { grads } = tf.engine().gradients(f, all, undefined, true);
    const moved = grads.map((gradient) => gradient !== undefined);
    expect(moved.slice(0, 2)).toContain(true);
    expect(moved.slice(2, 2 + head.length)).not.toContain(false);
    expect(moved.slice(2 + head.length)).not.toContain(true);
  });

  it('leaves nothing behind', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      method.loss(inputsOf(wanted), state, params);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('rrd parameters', () => {
  it.each(Object.keys(presets) as (keyof typeof presets)[])(
    'take their temperatures from the preset %s',
    (preset) => {
      const enqueue = preset === 'v2024' ? 'after' : 'before';
      const params = rrd.params.parse({ preset });
      expect(params).toEqual({
        weight: 1,
        preset,
        enqueue,
        ...presets[preset],
      });
    },
  );

  it('take both temperatures explicitly, and an order', () => {
    const params = {
      weight: 0.5,
      studentTemperature: 0.3,
      teacherTemperature: 0.2,
      enqueue: 'after' as const,
    };
    expect(rrd.params.parse(params)).toEqual(params);
    expect(rrd.needs(params).queue).toBe('after');
  });

  it.each([
    [{}, 'studentTemperature'],
    [{ studentTemperature: 0.1 }, 'teacherTemperature'],
    [{ preset: 'other' }, 'preset'],
    [{ preset: 'paper', teacherTemperature: 0.2 }, 'teacherTemperature'],
    [{ preset: 'v2024', enqueue: 'before' }, 'enqueue'],
    [{ studentTemperature: 0, teacherTemperature: 1 }, 'studentTemperature'],
    [{ preset: 'cli', weight: -1 }, 'weight'],
  ])('refuse %j, naming the field', (params, field) => {
    const { error } = rrd.params.safeParse(params);
    expect(error?.issues[0]?.path).toEqual([field]);
  });
});
