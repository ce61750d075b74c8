import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Run } from '../../cli/orchestrator-client.js';
import { type Study, studySchema } from '../../cli/study/plan.js';
import { runStudy } from '../../cli/study/run-study.js';
import { testEngine } from '../engine.js';
import { makeWorld, type World } from '../world.js';

function tinyStudy(changes: object = {}): Study {
  return studySchema.parse({
    name: 'tiny-study',
    dataset: 'tiny',
    pairs: [{ teacher: 'resnet8', student: 'resnet8' }],
    methods: {
      ce: {},
      'rrd+kd': {
        kd: { weight: 1 },
        rrd: { weight: 1, preset: 'cli' },
      },
    },
    seeds: [0, 1],
    bank: { capacity: 32, featDim: 8 },
    training: { epochs: 1, batchSize: 8 },
    ...changes,
  });
}

/** Runs a study to its end, or until `stop` aborts at a change of a run. */
async function inWorld(
  world: World,
  study: Study,
  onChange: (runId: string, run: Run, stop: AbortController) => void,
) {
  const stop = new AbortController();
  const progress = {
    update: (runId: string, run: Run) => onChange(runId, run, stop),
    done: () => undefined,
  };
  return runStudy(study, {
    ...{ datasets: world.datasets, folder: world.runsDir, engine: testEngine },
    ...{ concurrentRuns: 1, progress, signal: stop.signal },
  });
}

describe('rrd study', () => {
  it('goes on where it stopped: no run repeated, none counted twice', async () => {
    await using world = await makeWorld();
    const submitted: string[] = [];
    const first = inWorld(world, tinyStudy(), (runId, run, stop) => {
      if (submitted.at(-1) !== runId) submitted.push(runId);
      const second = runId === 'tiny-study-rrd-kd-resnet8-resnet8-0';
      if (second && run.phase === 'RUN_PHASE_RUNNING') stop.abort();
    });
    await expect(first).rejects.toMatchObject({ reason: 'RUN_CANCELLED' });
    expect(submitted).toEqual([
      'tiny-study-teacher-resnet8',
      'tiny-study-ce-resnet8-resnet8-0',
      'tiny-study-rrd-kd-resnet8-resnet8-0',
    ]);

    const again = new Set<string>();
    const summary = await inWorld(world, tinyStudy(), (id) => again.add(id));
    expect([...again]).toEqual([
      'tiny-study-rrd-kd-resnet8-resnet8-0',
      'tiny-study-ce-resnet8-resnet8-1',
      'tiny-study-rrd-kd-resnet8-resnet8-1',
    ]);
    expect(summary).toMatchObject({ finishedRuns: 5, plannedRuns: 5 });
    for (const row of summary.rows) {
      expect(row.seeds).toEqual([0, 1]);
      expect(row.agreementWithTeacher?.mean).toBeGreaterThanOrEqual(0);
      expect(row.lastAccuracy?.std).toBeGreaterThanOrEqual(0);
    }
    const csv = await readFile(join(world.runsDir, 'runs.csv'), 'utf8');
    expect(csv.trim().split('\n')).toHaveLength(6);

    const third = new Set<string>();
    const more = tinyStudy({ seeds: [0, 1, 2], methods: { ce: {} } });
    const grown = await inWorld(world, more, (id) => third.add(id));
    expect([...third]).toEqual(['tiny-study-ce-resnet8-resnet8-2']);
    expect(grown.rows[0]?.seeds).toEqual([0, 1, 2]);
  }, 120_000);

  it('mixes no results of other settings in', async () => {
    await using world = await makeWorld();
    const small = { methods: { ce: {} }, seeds: [0] };
    await inWorld(world, tinyStudy(small), () => undefined);
    const training = { epochs: 2, batchSize: 8 };
    const other = tinyStudy({ ...small, training });
    await expect(inWorld(world, other, () => undefined)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      metadata: { field: 'study' },
    });
  }, 60_000);

  it('tells a damaged result by its file', async () => {
    await using world = await makeWorld();
    const path = join(
      world.runsDir,
      'results',
      'tiny-study-teacher-resnet8.json',
    );
    await mkdir(join(world.runsDir, 'results'), { recursive: true });
    await writeFile(path, '{"experiment": {}');
    await expect(
      inWorld(world, tinyStudy(), () => undefined),
    ).rejects.toMatchObject({ reason: 'CORRUPT_FILE', metadata: { path } });
  }, 60_000);
});
