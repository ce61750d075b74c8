import { describe, expect, it } from 'vitest';
import { reportPage } from './report.js';
import type { Summary } from './summary.js';

const summary: Summary = {
  engine: 'onnx',
  dataset: '<script>alert(1)</script>',
  teacher: { network: 'resnet20', accuracy: 0.9 },
  capacity: 2048,
  students: [
    {
      method: 'rrd',
      network: 'resnet8',
      accuracy: 0.875,
      imagesPerSecond: 512,
      steps: 3,
      teacherBytes: 1024,
      bankBytes: 2048,
      bankVersions: 3,
      agreementWithTeacher: 0.8,
    },
  ],
};

const curve = {
  label: '</script>',
  steps: Array.from({ length: 1000 }, (_, step) => step),
  losses: Array.from({ length: 1000 }, () => 2),
  epochs: [1],
  accuracies: [0.5],
};

describe('report', () => {
  const page = reportPage(summary, [curve]);

  it('shows the results', () => {
    for (const text of ['resnet20', '87.5 %', '80.0 %', '2.0 KiB'])
      expect(page).toContain(text);
  });

  it('needs nothing but itself', () => {
    expect(page).not.toMatch(/(src|href)=/);
  });

  it('takes no names for markup', () => {
    expect(page).not.toContain('alert(1)</script>');
    expect(page.match(/<\/script>/g)).toHaveLength(2);
  });

  it('keeps a screenful of points', () => {
    const [, json = '[]'] = /const curves = (.*);/.exec(page) ?? [];
    const [drawn] = JSON.parse(json) as (typeof curve)[];
    expect(drawn?.steps).toHaveLength(250);
    expect(new Set(drawn?.losses)).toEqual(new Set([2]));
  });
});
