import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Measurement, RunFolder } from './run-folder.js';

function stepLine(step: number): Measurement {
  return {
    type: 'step',
    step,
    epoch: 1,
    waitMs: 0,
    computeMs: 1,
    loss: Math.fround(0.1) + step,
    lossTerms: { crossEntropy: 0.5 },
    measurements: {},
    learningRate: 0.05,
  };
}

async function lines(folder: RunFolder): Promise<Measurement[]> {
  const path = join(folder.path, 'measurements.jsonl');
  const text = await readFile(path, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Measurement);
}

describe('RunFolder', () => {
  it('keeps exact values, and after a resume only what still holds', async () => {
    const runs = await mkdtemp(join(tmpdir(), 'rrd-runs-'));
    const first = new RunFolder(runs, 'run-a');
    await first.begin(0, { name: 'a' });
    for (let step = 0; step < 4; step++) await first.record(stepLine(step));
    await first.close();
    expect(await lines(first)).toEqual([0, 1, 2, 3].map(stepLine));
    // A crash in the middle of a line.
    await appendFile(join(first.path, 'measurements.jsonl'), '{"type":"st');

    const second = new RunFolder(runs, 'run-a');
    await second.begin(2, { name: 'a' });
    await second.record(stepLine(2));
    await second.close();
    expect(await lines(second)).toEqual([0, 1, 2].map(stepLine));
    await rm(runs, { recursive: true });
  });
});
