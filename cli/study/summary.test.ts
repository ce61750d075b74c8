import { describe, expect, it } from 'vitest';
import { paperAccuracy } from './paper.js';
import { planOf, studySchema } from './plan.js';
import type { KeptResult } from './result-store.js';
import { type FindResult, spreadOf, summarize } from './summary.js';
import { csvTable, markdownTable } from './tables.js';

const study = studySchema.parse({
  name: 's',
  dataset: 'cifar100',
  pairs: [{ teacher: 'resnet56', student: 'resnet20' }],
  methods: { kd: { kd: { weight: 1 } }, ce: {} },
  seeds: [0, 1, 2],
  training: { epochs: 240 },
});

const result: KeptResult = {
  ...{ testAccuracy: 0.7, bestTestAccuracy: 0.72, agreementWithTeacher: 0.9 },
  ...{ imagesPerSecond: 100, steps: 6, engine: 'wasm', checkpoint: '/c' },
};

/** KD of seeds 0 and 1, and the teacher, have finished. */
const kept = new Map([
  ['s-teacher-resnet56', result],
  ['s-kd-resnet56-resnet20-0', result],
  ['s-kd-resnet56-resnet20-1', { ...result, testAccuracy: 0.72 }],
]);
const find: FindResult = ({ runId }) => kept.get(runId);

describe('spreadOf', () => {
  it('is mean and sample standard deviation', () => {
    expect(spreadOf([1, 2, 3, 4])).toEqual({
      mean: 2.5,
      std: Math.sqrt(5 / 3),
    });
    expect(spreadOf([0.5])).toEqual({ mean: 0.5 });
  });
});

describe('the summary of a study', () => {
  const summary = summarize(study, find, true);

  it('counts each run once, and only finished ones', () => {
    expect(summary.plannedRuns).toBe(7);
    expect(summary.finishedRuns).toBe(kept.size);
    const counted = summary.rows.map(({ seeds }) => seeds);
    expect(counted).toEqual([[0, 1], []]);
    expect(summary.runs).toHaveLength(planOf(study).students.length - 3);
  });

  it('is a table beside the authors one', () => {
    const text = markdownTable(summary);
    expect(text).toContain('3 of 7 runs finished');
    const [teacher, kd, ce] = text.trim().split('\n').slice(4);
    expect(teacher).toBe('| resnet56 |  | teacher |  | 70.00 |  |  |  |');
    expect(kd).toBe(
      '| resnet56 | resnet20 | kd | 2 | 71.00 ± 1.41 | 72.00 ± 0.00 | 90.00 ± 0.00 | 70.66 |',
    );
    expect(ce).toBe('| resnet56 | resnet20 | ce | 0 |  |  |  | 69.06 |');
  });

  it('has no figures of the authors for other data sets', () => {
    const text = markdownTable(summarize(study, find, false));
    expect(text).not.toContain('Authors');
    expect(text).not.toContain('70.66');
  });

  it('is a line of CSV for each run', () => {
    const lines = csvTable(summary).trim().split('\n');
    expect(lines[0]).toMatch(/^runId,engine,steps,testAccuracy/);
    expect(lines[2]).toBe('s-kd-resnet56-resnet20-0,wasm,6,0.7,0.72,0.9,100');
  });
});

describe("the authors' table", () => {
  it('has 13 pairs, and no figure for what it does not have', () => {
    expect(paperAccuracy('wrn_40_2-ShuffleV1', 'rrd+kd')).toBe(76.31);
    expect(paperAccuracy('vgg13-vgg8', 'teacher')).toBe(74.64);
    expect(paperAccuracy('wrn_40_2-wrn_40_1', 'fsp')).toBeUndefined();
    expect(paperAccuracy('resnet20-resnet8', 'kd')).toBeUndefined();
    expect(paperAccuracy('vgg13-vgg8', 'mine')).toBeUndefined();
  });
});
