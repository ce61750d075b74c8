import { describe, expect, it } from 'vitest';
import { experimentSchema, needsOf } from './experiment.js';
import { mapNamesOf } from './map-names.js';

function written(loss: object, rest: object = {}) {
  return {
    name: 'test',
    dataset: 'procedural',
    student: { network: 'resnet8' },
    teacher: { model: 'resnet20' },
    loss,
    training: { epochs: 2 },
    ...rest,
  };
}

describe('experimentSchema', () => {
  it('fills in defaults, and parses its own result to itself', () => {
    const experiment = experimentSchema.parse(
      written({ kd: { weight: 0.9 }, rrd: { preset: 'paper' } }),
    );
    expect(experiment.loss).toEqual({
      crossEntropy: 1,
      kd: { weight: 0.9, temperature: 4 },
      rrd: {
        weight: 1,
        preset: 'paper',
        studentTemperature: 0.02,
        teacherTemperature: 0.1,
        enqueue: 'before',
      },
    });
    expect(experiment.bank.capacity).toBe(16384);
    const copy = JSON.parse(JSON.stringify(experiment)) as unknown;
    expect(experimentSchema.parse(copy)).toEqual(experiment);
  });

  const rrd = { preset: 'cli' };
  it.each([
    ['an unknown field', written({}, { extra: 1 }), []],
    ['an unknown method', written({ other: {} }), ['loss']],
    ['an unknown parameter', written({ kd: { t: 4 } }), ['loss', 'kd']],
    ['a stage of several ranks', written({ ft: {} }, { ranks: 2 }), ['ranks']],
    [
      'a stage beside a queue',
      written({ ab: {}, rrd: { preset: 'cli' } }),
      ['loss', 'ab'],
    ],
    [
      'nothing left to learn in the run',
      written({ crossEntropy: 0, fsp: {} }),
      ['loss'],
    ],
    [
      'two terms with memories of all samples',
      written({
        crdMemory: {},
        rrdMemory: { studentTemperature: 1, teacherTemperature: 1 },
      }),
      ['loss'],
    ],
    [
      'views drawn again of images that are never varied',
      written(
        { augmentedKd: { view: 'redraw' } },
        { training: { epochs: 1, augmentation: 'none' } },
      ),
      ['training', 'augmentation'],
    ],
    [
      'nobody to mix a sample with',
      written({ augmentedKd: {} }, { training: { epochs: 1, batchSize: 1 } }),
      ['training', 'batchSize'],
    ],
    [
      'views without a teacher that labels them',
      written({ augmentedKd: {} }, { teacher: undefined }),
      ['teacher'],
    ],
    [
      'rrd without temperatures',
      written({ rrd: {} }),
      ['loss', 'rrd', 'studentTemperature'],
    ],
    [
      'no teacher to learn from',
      written({ rrd }, { teacher: undefined }),
      ['teacher'],
    ],
    ['nothing to learn', written({ crossEntropy: 0 }), ['loss']],
    [
      'only terms of weight 0',
      written({ crossEntropy: 0, kd: { weight: 0 } }),
      ['loss'],
    ],
    [
      'an unknown network',
      written({}, { student: { network: 'vgg' } }),
      ['student', 'network'],
    ],
    [
      'halves beside memories of all samples',
      written({ crdMemory: {} }, { bank: { precision: 'float16' } }),
      ['bank', 'precision'],
    ],
    [
      'no rows in the bank',
      written({}, { bank: { capacity: 0 } }),
      ['bank', 'capacity'],
    ],
  ])('refuses %s', (_what, experiment, path) => {
    const { error } = experimentSchema.safeParse(experiment);
    expect(error?.issues[0]?.path).toEqual(path);
  });

  it('does not ask for a teacher that no term reads', () => {
    const alone = written({ kd: { weight: 0 } }, { teacher: undefined });
    expect(experimentSchema.safeParse(alone).success).toBe(true);
  });
});

describe('needsOf', () => {
  it('joins what the weighted terms need', () => {
    const loss = { kd: {}, rrd: { preset: 'v2024' } };
    const needs = needsOf(experimentSchema.parse(written(loss)));
    expect(needs.teacher).toEqual(new Set(['logits', 'embeddings']));
    expect(needs.queue).toBe('after');
  });

  it('names the very maps that are read', () => {
    const loss = { at: {}, sp: {}, fitnet: { layer: 1 } };
    const needs = needsOf(experimentSchema.parse(written(loss)));
    expect(mapNamesOf(needs, 4)).toEqual(
      new Set(['maps.1', 'maps.2', 'maps.3']),
    );
    const { maps: last } = needsOf(experimentSchema.parse(written({ sp: {} })));
    expect(last).toEqual([{ kind: 'maps', which: -1 }]);
  });

  it('joins the views, which the teacher labels too', () => {
    const loss = { augmentedKd: { view: 'mixup', views: 2 } };
    const needs = needsOf(experimentSchema.parse(written(loss)));
    expect(needs.teacher.size).toBe(0);
    const teacher = new Set(['logits']);
    expect(needs.views).toEqual([{ kind: 'mixup', count: 2, teacher }]);
  });

  it('leaves out terms of weight 0', () => {
    const loss = { kd: {}, rrd: { preset: 'cli', weight: 0 } };
    const needs = needsOf(experimentSchema.parse(written(loss)));
    expect(needs.teacher).toEqual(new Set(['logits']));
    expect(needs).not.toHaveProperty('queue');
  });
});
