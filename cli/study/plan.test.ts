import { describe, expect, it } from 'vitest';
import { parseConfig } from '#runtime/config.js';
import { planOf, type Study, studySchema } from './plan.js';

const study = {
  name: 'both',
  dataset: 'tiny',
  pairs: [
    { teacher: 'resnet20', student: 'resnet8' },
    { teacher: 'resnet20', student: 'resnet14', learningRate: 0.01 },
  ],
  methods: { ce: {}, 'rrd+kd': { kd: { weight: 1 } } },
  seeds: [3, 1],
  training: { epochs: 2 },
};

const parse = (changes: object = {}): Study =>
  parseConfig(studySchema, { ...study, ...changes }, 'study.yaml');

describe('a study', () => {
  const { teachers, students } = planOf(parse());

  it('trains each teacher once', () => {
    expect(teachers.map(({ model }) => model)).toEqual(['resnet20']);
    expect(teachers[0]?.experiment.training.seed).toBe(0);
  });

  it('runs every method on every pair with every seed, seed by seed', () => {
    const ids = students.map(({ runId }) => runId);
    expect(ids.slice(0, 4)).toEqual([
      'both-ce-resnet20-resnet8-3',
      'both-rrd-kd-resnet20-resnet8-3',
      'both-ce-resnet20-resnet14-3',
      'both-rrd-kd-resnet20-resnet14-3',
    ]);
    expect(new Set(ids).size).toBe(8);
  });

  it('gives each run its seed, and a pair its learning rate', () => {
    const last = students.at(-1)?.experiment;
    expect(last?.training).toMatchObject({ seed: 1, learningRate: 0.01 });
    expect(students[0]?.experiment.training.learningRate).toBe(0.05);
  });

  it('parses a parsed one to itself', () => {
    const parsed = parse();
    expect(studySchema.parse(parsed)).toEqual(parsed);
  });

  it.each([
    [{ seeds: [1, 1] }, 'seeds.1', 'an entry that is there once'],
    [{ seeds: [-1] }, 'seeds.0', 'at least 0'],
    [{ seeds: [] }, 'seeds', 'at least 1 entries'],
    [{ methods: {} }, 'methods', 'at least one method'],
    [{ methods: { 'rrd-kd': {} } }, 'methods.rrd-kd', 'letters, digits and +'],
    [{ methods: { rrd: { rrd: {} } } }, 'methods.rrd.rrd', ''],
    [{ methods: { none: { crossEntropy: 0 } } }, 'methods.none', 'weight'],
    [{ training: { epochs: 1, seed: 4 } }, 'training.seed', 'no such field'],
    [{ name: 'a'.repeat(24), seeds: [2 ** 50] }, 'name', '64 characters'],
    [
      { pairs: [{ teacher: 'resnet20', student: 'resnet9' }] },
      'pairs.0.student',
      'one of',
    ],
    [
      { pairs: [study.pairs[0], { ...study.pairs[0], learningRate: 1 }] },
      'pairs.1',
      'an entry that is there once',
    ],
  ])('refuses %j', (changes, field, expected) => {
    expect(() => parse(changes)).toThrow(
      expect.objectContaining({
        reason: 'CONFIG_INVALID',
        metadata: expect.objectContaining({
          field: expect.stringMatching(
            new RegExp(`^${field.replaceAll('.', '\\.')}`),
          ) as unknown,
          expected: expect.stringContaining(expected) as unknown,
        }) as unknown,
      }),
    );
  });
});
