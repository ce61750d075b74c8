import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '#runtime/paths.js';
import { testEngine } from '../engine.js';
import { spawnService, type ServiceProcess } from '../processes.js';
import { makeWorld, type World } from '../world.js';

let world: World;
let teacher: ServiceProcess;

beforeAll(async () => {
  world = await makeWorld();
  const settings = { MODELS_DIR: world.modelsDir, ENGINE: testEngine };
  teacher = await spawnService('teacher', settings);
}, 30_000);

afterAll(async () => {
  await teacher.kill();
  await world[Symbol.asyncDispose]();
});

function bench(...args: string[]) {
  return spawnSync(
    process.execPath,
    [
      ...[join(packageRoot, 'bin/rrd'), 'bench', 'teacher'],
      ...['--teacher', teacher.address, '--seconds', '1', '--clients', '4'],
      ...args,
    ],
    { encoding: 'utf8' },
  );
}

describe('rrd bench teacher', () => {
  it.each(['rrd', 'kserve'])('loads a server that speaks %s', (protocol) => {
    const { stdout, stderr } = bench(
      ...['--model', 'teacher', '--protocol', protocol, '--json'],
    );
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as Record<string, number>;
    expect(report).toMatchObject({ failures: {} });
    expect(report['imagesPerSecond']).toBeGreaterThan(0);
    expect(report['p50Ms']).toBeLessThanOrEqual(report['p99Ms']!);
  });

  it('says what is wrong', () => {
    const { status, stderr } = bench('--model', 'nobody');
    expect(status).toBe(1);
    expect(stderr).toContain('[MODEL_NOT_FOUND]');
    expect(bench('--model', 'teacher', '--batch', '5000').stderr).toContain(
      'at most 4096',
    );
  });
});
