import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { chooseEngine } from '#runtime/compute/index.js';
import { connect } from '#runtime/rpc/client.js';
import { runToEnd, startCluster } from '../test/cluster.js';
import { makeWorld, tinyExperiment } from '../test/world.js';

describe('the services of one process', () => {
  it('read the files of a data set once, after a failure again', async () => {
    await using world = await makeWorld();
    await using cluster = await startCluster(world, { students: 2 });
    const run = (runId: string) =>
      runToEnd(cluster.orchestratorAddress, tinyExperiment(), runId);
    const images = world.datasets['tiny']!.replace('folder:', '');
    await rename(images, `${images}-away`);
    await expect(run('too-early')).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      metadata: { field: 'tiny', value: images },
    });
    await rename(`${images}-away`, images);
    await run('first');
    await rename(images, `${images}-away`);
    const [second, third] = await Promise.all([run('second'), run('third')]);
    expect([second.phase, third.phase]).toEqual([
      'RUN_PHASE_SUCCEEDED',
      'RUN_PHASE_SUCCEEDED',
    ]);
  }, 120_000);

  it.each([
    ['worker', { worker: 'ann' }],
    ['listen.port', { listen: { port: 50051 } }],
    ['advertise', { advertise: '10.0.0.1:50051' }],
  ])(
    'refuse a setting that students cannot share: %s',
    async (field, student) => {
      await using world = await makeWorld();
      const starting = startCluster(world, {
        ...{ students: 2, settings: { student } },
      });
      await expect(starting).rejects.toMatchObject({
        ...{ reason: 'CONFIG_INVALID', metadata: { field } },
      });
    },
  );

  it('tell the engine that `auto` stands for', async () => {
    await using world = await makeWorld();
    await using cluster = await startCluster(world, { engine: 'auto' });
    const [{ address } = { address: '' }] = cluster.students;
    const student = connect('rrd.v1.StudentService', address);
    const { engine } = await student.getStatus({});
    student.close();
    expect(engine).toBe(await chooseEngine('auto'));
  }, 60_000);
});
