import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { openOrchestrator } from '../../cli/orchestrator-client.js';
import { runEvents } from '#runtime/bus/run-events.js';
import { connect } from '#runtime/rpc/client.js';
import { runToEnd, startCluster } from '../cluster.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

const endless = tinyExperiment({ training: { epochs: 500 } });

describe('runs that cannot go well, and runs that are stopped', () => {
  let world: World;
  let cluster: LocalCluster;

  beforeAll(async () => {
    world = await makeWorld();
    const settings = { teacher: { maxBatchSize: 16 } };
    cluster = await startCluster(world, { settings });
  }, 60_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const failureOf = (runId: string, changes: object) =>
    runToEnd(cluster.orchestratorAddress, tinyExperiment(changes), runId).then(
      () => undefined,
      (error: unknown) => error,
    );

  it.each([
    ['no-such-model', { teacher: { model: 'absent' } }, 'MODEL_NOT_FOUND', {}],
    ['no-such-data', { dataset: 'absent' }, 'DATASET_NOT_FOUND', {}],
    [
      'batch-beyond-teacher',
      { training: { batchSize: 24 } },
      'CONFIG_INVALID',
      { field: 'training.batchSize', value: '24' },
    ],
    [
      'batch-beyond-data',
      { training: { batchSize: 64 } },
      'CONFIG_INVALID',
      { field: 'training.batchSize', value: '64' },
    ],
    [
      'bank-too-large',
      { bank: { capacity: 4_000_000, featDim: 2048 } },
      'BANK_BYTES',
      {},
    ],
    [
      'exploding',
      { training: { learningRate: 1e30 }, loss: { crossEntropy: 1 } },
      'NON_FINITE_LOSS',
      { lossTerm: 'crossEntropy' },
    ],
  ])(
    '%s',
    async (runId, changes, reason, metadata) => {
      const error = await failureOf(runId, changes);
      expect(error).toMatchObject({ reason, metadata });
    },
    60_000,
  );

  it('exploding while a checkpoint fails: what ends it is the loss', async () => {
    const folder = join(world.runsDir, 'unsaved');
    mkdirSync(folder, { recursive: true });
    // Nothing is there to be read, and nothing can be made there.
    symlinkSync(join(folder, 'absent'), join(folder, 'checkpoints'));
    const error = await failureOf('unsaved', {
      training: { learningRate: 1e30, checkpointEverySteps: 1 },
      loss: { crossEntropy: 1 },
    });
    expect(error).toMatchObject({ reason: 'NON_FINITE_LOSS' });
  }, 60_000);

  async function underWay(runId: string): Promise<void> {
    const path = join(world.runsDir, runId, 'checkpoints');
    while (!existsSync(path)) await sleep(20);
  }

  it('a cancelled run ends as cancelled; the worker is free again', async () => {
    const orchestrator = openOrchestrator(cluster.orchestratorAddress);
    const end = runToEnd(cluster.orchestratorAddress, endless, 'cancelled');
    const ended = expect(end).rejects.toMatchObject({
      reason: 'RUN_CANCELLED',
    });
    await underWay('cancelled');
    const student = connect(
      'rrd.v1.StudentService',
      cluster.students[0]!.address,
    );
    expect(await student.getStatus({})).toMatchObject({
      worker: 'local-1',
      runId: 'cancelled',
      phase: 'RUN_PHASE_RUNNING',
    });
    await orchestrator.cancel('cancelled');
    await ended;
    while ((await student.getStatus({})).runId !== '') await sleep(20);
    student.close();
    orchestrator.close();
  }, 60_000);

  it('cross-entropy alone needs neither teacher nor bank', async () => {
    const settings = {
      student: { teacher: '127.0.0.1:1', memoryBank: '127.0.0.1:1' },
    };
    await using alone = await startCluster(world, { settings });
    const experiment = tinyExperiment({
      teacher: undefined,
      loss: { crossEntropy: 1 },
    });
    const address = alone.orchestratorAddress;
    const { result } = await runToEnd(address, experiment, 'ce');
    expect(result).toMatchObject({
      ...{ steps: 12, teacherBytes: 0, bankBytes: 0, bankVersions: 0 },
    });
    const path = join(result!.checkpoint, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as object;
    expect(manifest).toMatchObject({ kind: 'model', network: 'resnet8' });
  }, 60_000);

  it('a worker that leaves says nothing that is not so', async () => {
    await using leaving = await startCluster(world);
    const stop = new AbortController();
    const { signal } = stop;
    const said: string[] = [];
    const listening = (async () => {
      const from = { from: 'start', signal } as const;
      for await (const { event } of runEvents(leaving.bus, 'left', from)) {
        said.push(event!.type);
      }
    })();
    const orchestrator = openOrchestrator(leaving.orchestratorAddress);
    await orchestrator.submit(endless, 'left');
    await underWay('left');
    await leaving.students[0]!.close();
    await sleep(50);
    orchestrator.close();
    stop.abort();
    await listening;
    const words = ['claimed', 'running', 'progress', 'released'];
    expect(new Set(said)).toEqual(new Set(words));
  }, 60_000);
});
