import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { packageRoot } from '#runtime/paths.js';
import { followRun } from '../../cli/follow.js';
import { openOrchestrator } from '../../cli/orchestrator-client.js';
import { lossesOf } from '../cluster.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { freePort } from '../prometheus.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

/** `rrd serve all` in a world; resolves once its orchestrator listens. */
async function serveAll({ datasets, modelsDir, runsDir }: World, port: number) {
  const places = ['--models', modelsDir, '--runs', runsDir];
  const data = ['--data', `tiny=${datasets['tiny']}`, '--engine', testEngine];
  const child = spawn(
    process.execPath,
    [join(packageRoot, 'bin/rrd'), 'serve', 'all', ...places, ...data],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        RRD_ORCHESTRATOR_LISTEN__PORT: String(port),
        RRD_ORCHESTRATOR_LEASE_MS: '1500',
        RRD_STUDENT_HEARTBEAT_MS: '200',
      },
    },
  );
  children.push(child);
  const log: string[] = [];
  createInterface(child.stderr).on('line', (line) => log.push(line));
  const ready = () => log.some((line) => /"student-1".*"listening"/.test(line));
  await expect.poll(ready, { timeout: 60_000 }).toBe(true);
  return child;
}

it('without NATS, runs outlive a kill of all services: known, and bit by bit the same', async () => {
  await using world = await makeWorld();
  const port = await freePort();
  const first = await serveAll(world, port);
  const address = `127.0.0.1:${port}`;
  let orchestrator = openOrchestrator(address);
  const one = tinyExperiment({ training: { epochs: 1 } });
  await orchestrator.submit(one, 'ended');
  const ended = await followRun(orchestrator, 'ended', () => {});
  const experiment = tinyExperiment({ training: { epochs: 20 } });
  await orchestrator.submit(experiment, 'killed');
  await orchestrator.submit(one, 'waiting');
  const taken = async () =>
    (await lossesOf(world.runsDir, 'killed').catch(() => [])).length;
  await expect.poll(taken, { timeout: 60_000 }).toBeGreaterThan(12);
  const exit = once(first, 'exit');
  first.kill('SIGKILL');
  await exit;

  orchestrator.close();
  const second = await serveAll(world, port);
  orchestrator = openOrchestrator(address);
  const known = await orchestrator.list();
  expect(known.map(({ runId }) => runId).sort()).toEqual([
    'ended',
    'killed',
    'waiting',
  ]);
  expect(await orchestrator.get('ended')).toMatchObject({
    ...{ phase: 'RUN_PHASE_SUCCEEDED', result: ended.result },
  });
  // Its worker is gone: one more attempt, from its newest checkpoint.
  const run = await followRun(orchestrator, 'killed', () => {});
  expect(run).toMatchObject({ attempt: 2, retries: 1 });
  const { teacher } = world;
  const dataset = await openDatasets(world.datasets).get('tiny');
  const engine = await createEngine(testEngine);
  const work = { experiment, engine, dataset, teacher, steps: 120 };
  const { losses } = await trainInOneProcess(work);
  expect(await lossesOf(world.runsDir, 'killed')).toEqual(losses);
  await followRun(orchestrator, 'waiting', () => {});
  orchestrator.close();
  const left = once(second, 'exit');
  second.kill('SIGTERM');
  expect(await left).toEqual([0, null]);
}, 180_000);
