import * as tf from '@tensorflow/tfjs-core';
import type { TensorContainer } from '@tensorflow/tfjs-core/dist/tensor_types.js';
import { describe, expect, it } from 'vitest';
import { rngFrom } from '../data/rng.js';
import type { NetworkOutput } from '../models/network.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { presets } from '../temperature.js';
import type { ProgramResult } from '../program.js';
import type { TensorSpec } from '../tensors.js';
import { onDevice, randomTensor } from '../testing/numeric.js';
import { toyNetwork } from '../testing/toy-network.js';
import { createTrainProgram } from '../train-program.js';
import { viewName, viewsOf, type ViewNeed } from '../views.js';
import { everCounts } from '../weight-schedule.js';
import { methodNames, methods, type MethodName } from './index.js';
import type {
  Dims,
  MapShape,
  Method,
  MethodInputs,
  Needs,
  ViewTensors,
} from './method.js';
import { rrd } from './rrd.js';

const batch = 4;
const classCount = 4;
const studentMaps: MapShape[] = [
  [4, 4, 3],
  [4, 4, 4],
  [2, 2, 6],
];

/** Channels of every teacher but those whose method asks for the student's. */
const teacherMaps: MapShape[] = [
  [4, 4, 5],
  [2, 2, 6],
  [2, 2, 8],
];
const likeStudent: readonly MethodName[] = ['ab', 'fsp', 'kdsvd'];

const temperatures = { studentTemperature: 0.1, teacherTemperature: 0.2 };

/** Parameters as written; every method with its defaults, and variants. */
const written: [MethodName, object][] = [
  ...methodNames
    .filter((name) => !name.startsWith('rrd') && name !== 'crdMemory')
    .map((name): [MethodName, object] => [name, {}]),
  ['rrd', { preset: 'cli' }],
  ['rrdMemory', { ...temperatures, negatives: 3 }],
  ['rrdMemory', { ...temperatures, negatives: 3, scores: 'exponentials' }],
  ['crdMemory', { negatives: 3 }],
  ['crd', { teacherEmbedding: 'trained' }],
  ['crd', { teacherEmbedding: 'trained', enqueue: 'before' }],
  ['dcd', { scale: 14.3 }],
  ['wsld', { hardLabels: true }],
  ['augmentedKd', { view: 'mixup', views: 2 }],
  ['augmentedKd', { view: 'redraw' }],
  ['kd', { weight: { from: 1, to: 0.5, epochs: 3 } }],
  ['ft', { view: 'whole' }],
  ['ft', { factors: 'none' }],
];

function dimsFor(name: MethodName): Dims {
  return {
    studentFeatureDim: 6,
    teacherFeatureDim: 5,
    classCount,
    featDim: 3,
    capacity: 8,
    sampleCount: 10,
    studentMaps,
    teacherMaps: likeStudent.includes(name) ? studentMaps : teacherMaps,
  };
}

function mapsOf(shapes: readonly MapShape[], key: string) {
  return shapes.map((shape, i) =>
    randomTensor<tf.Tensor4D>([batch, ...shape], key, i),
  );
}

const features = randomTensor<tf.Tensor2D>([batch, 6], 'features');
const logits = randomTensor<tf.Tensor2D>([batch, classCount], 'logits');
const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
const queue = l2Normalize(randomTensor([8, 3], 'queue'));
const samples = {
  memories: {
    student: randomTensor<tf.Tensor2D>([10, 3], 'memory of the student'),
    teacher: randomTensor<tf.Tensor2D>([10, 3], 'memory of the teacher'),
  },
  contrast: tf.tensor2d(
    [
      [7, 1, 2, 3],
      [2, 4, 5, 6],
      [0, 9, 8, 7],
      [9, 3, 4, 5],
    ],
    [batch, 4],
    'int32',
  ),
};
const preactivations = mapsOf(studentMaps, 'preactivations');
const student: NetworkOutput = {
  features,
  logits,
  maps: mapsOf(studentMaps, 'maps'),
  preactivations: () => preactivations,
  buffers: {},
};

/** Both networks on each view that is needed. */
function viewsFor(needs: readonly ViewNeed[]): ViewTensors[] {
  return needs.flatMap(viewsOf).map((view) => {
    const key = viewName(view);
    const own = { features: randomTensor<tf.Tensor2D>([batch, 6], key) };
    const given = randomTensor<tf.Tensor2D>([batch, classCount], 'logits', key);
    const taught = randomTensor<tf.Tensor2D>([batch, classCount], 'given', key);
    const seen = { ...student, ...own, logits: given };
    return { student: seen, teacher: { logits: taught } };
  });
}

/** What the teacher gives for `needs`, and nothing else. */
function teacherFor({ teacher, maps }: Needs, dims: Dims) {
  const pooled = {
    features: randomTensor<tf.Tensor2D>([batch, 5], 'teacher features'),
    logits: randomTensor<tf.Tensor2D>([batch, classCount], 'teacher logits'),
    embeddings: l2Normalize(randomTensor([batch, 3], 'teacher embeddings')),
  };
  const given: Record<string, tf.Tensor | tf.Tensor4D[]> = {};
  for (const output of teacher) given[output] = pooled[output];
  for (const { kind } of maps ?? [])
    given[kind] = mapsOf(dims.teacherMaps, `teacher ${kind}`);
  return given;
}

/** Any values that fit an input of the training step. */
function inputOf(name: string, { shape }: TensorSpec): tf.Tensor {
  switch (name) {
    case 'labels':
      return labels;
    case 'contrast':
      return samples.contrast;
    case 'learningRate':
      return tf.scalar(1e-3);
    case 'queue':
    case 'teacherEmbeddings':
      return l2Normalize(randomTensor([shape[0]!, shape[1]!], name));
    default:
      return randomTensor(shape, name);
  }
}

it('tries every method', () => {
  const tried = new Set(written.map(([name]) => name));
  expect([...tried].sort()).toEqual([...methodNames].sort());
});

describe.each(written)('%s %j', (name, given) => {
  const method: Method = methods[name];
  const params = method.params.parse(given);
  const needs = method.needs(params);
  const dims = dimsFor(name);
  const heads = method.init(dims, params, rngFrom(0));
  const trainable = onDevice(heads.trainable);
  const state = { trainable, buffers: onDevice(heads.buffers) };
  const teacher = teacherFor(needs, dims);
  const views = viewsFor(needs.views ?? []);
  const inputs: MethodInputs = {
    student,
    teacher,
    labels,
    ...(needs.queue && { queue }),
    ...(needs.samples && { samples }),
    ...(needs.views && { views }),
  };

  it('goes by its own name', () => expect(method.name).toBe(name));

  it('parses its parameters to themselves, with a weight', () => {
    expect(everCounts(params.weight)).toBe(true);
    expect(method.params.parse(params)).toEqual(params);
  });

  it('refuses unknown parameters', () => {
    const unknown = { ...given, tau: 1 };
    expect(method.params.safeParse(unknown).success).toBe(false);
  });

  it('needs no more than it says, and is finite', () => {
    const { loss, measurements } = method.loss(inputs, state, params);
    for (const scalar of [loss, ...Object.values(measurements ?? {})]) {
      expect(scalar.shape).toEqual([]);
      expect(Number.isFinite(scalar.dataSync()[0])).toBe(true);
    }
  });

  it('moves the student and every head, never the teacher', () => {
    const seen = views.map((view) => view.student.logits);
    const maps = [...student.maps, ...preactivations];
    const own = [features, logits, ...maps, ...seen];
    const head = Object.values(trainable);
    const taught = views.map((view) => view.teacher.logits!);
    const others = [...Object.values(teacher).flat(), ...taught];
    const f = () => method.loss(inputs, state, params).loss;
    const all = [...own, ...head, ...others];
    const { grads } = tf.engine().gradients(f, all, undefined, true);
    const moved = grads.map((gradient) => gradient !== undefined);
    expect(moved.slice(0, own.length)).toContain(true);
    const end = own.length + head.length;
    expect(moved.slice(own.length, end)).not.toContain(false);
    // Through a head of its own, the teacher's output is part of the loss.
    const hasHead = Object.hasOwn(trainable, 'embedTeacher.weight');
    if (!hasHead) expect(moved.slice(end)).not.toContain(true);
    for (const gradient of grads) {
      const values = gradient?.dataSync() ?? [];
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  it('changes no buffer but its own, and no shape', () => {
    const { buffers = {} } = method.loss(inputs, state, params);
    for (const [key, { shape, dtype }] of Object.entries(buffers)) {
      expect(state.buffers[key]).toMatchObject({ shape, dtype });
    }
  });

  it('has embeddings for the memories, if it has memories', () => {
    const { remembered } = method.loss(inputs, state, params);
    const shapes = Object.values(remembered ?? {}).map(({ shape }) => shape);
    expect(shapes).toEqual(
      needs.samples ? Array(2).fill([batch, dims.featDim]) : [],
    );
  });

  it('leaves nothing behind', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      method.loss(inputs, state, params);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('trains a network', () => {
    const { program, initialState } = createTrainProgram({
      network: toyNetwork(classCount),
      experiment: {
        loss: { crossEntropy: 1, [name]: params },
        bank: { capacity: 8, featDim: 3 },
        training: { batchSize: batch, momentum: 0.9, weightDecay: 0 },
      },
      imageShape: [4, 4, 3],
      teacherFeatureDim: 5,
      teacherMaps: dims.teacherMaps,
      sampleCount: dims.sampleCount,
    });
    const inputs = Object.fromEntries(
      Object.entries(program.inputs).map(([key, spec]) => [
        key,
        inputOf(key, spec),
      ]),
    );
    const state = onDevice(initialState(0));
    const before = tf.memory().numTensors;
    const run = () => program.run(state, inputs) as unknown as TensorContainer;
    const result = tf.tidy(run) as unknown as ProgramResult;
    const { outputs, state: next } = result;
    const kept = [...Object.keys(outputs), ...Object.keys(next)];
    expect(tf.memory().numTensors).toBe(before + kept.length);
    expect(Number.isFinite(outputs[name]!.dataSync()[0])).toBe(true);
    for (const [key, tensor] of Object.entries(next)) {
      expect(state[key]).toMatchObject({ shape: tensor.shape });
      expect([...tensor.dataSync()].every(Number.isFinite)).toBe(true);
    }
    const own = Object.keys(next).filter((key) => key.startsWith(`${name}.`));
    expect(own.length).toBeGreaterThanOrEqual(Object.keys(trainable).length);
    expect(next['stage1.weight']!.dataSync()).not.toEqual(
      state['stage1.weight']!.dataSync(),
    );
  });
});

describe.each(['ab', 'fsp', 'kdsvd'] as const)('%s', (name) => {
  it('refuses maps that do not fit each other', () => {
    const dims = { ...dimsFor(name), teacherMaps };
    const method: Method = methods[name];
    const init = () => method.init(dims, method.params.parse({}), rngFrom(0));
    expect(init).toThrow(RangeError);
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
