import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JoinRequest } from '#proto/rrd/v1/JoinRequest.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import { openOrchestrator } from '../../cli/orchestrator-client.js';
import { runWorkSchema } from '#runtime/bus/run-events.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { packageVersion } from '#runtime/version.js';
import { followRun } from '../../cli/follow.js';
import { openDatasets } from '#runtime/data/index.js';
import { createEngine } from '#runtime/compute/index.js';
import { startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const service = 'rrd.v1.CollectiveService';
const runId = 'guarded';

/** Says these things, and then nothing. */
async function* saying(...requests: JoinRequest[]) {
  yield* requests;
  await new Promise(() => {});
}

describe('a chief', () => {
  let world: World;
  let cluster: LocalCluster;
  let chief: RpcClient<typeof service>;
  let hello: NonNullable<JoinRequest['hello']>;
  const stop = new AbortController();
  const { signal } = stop;

  /** One worker holds a run of two, and waits for the other. */
  beforeAll(async () => {
    world = await makeWorld();
    cluster = await startCluster(world, {
      settings: {
        student: {
          leaseMs: 3_000,
          heartbeatMs: 100,
          group: { joinMs: 3_600_000, readyMs: 300 },
        },
      },
    });
    const experiment = { ...longExperiment('before', 1, 2), workers: 2 };
    const orchestrator = openOrchestrator(cluster.orchestratorAddress);
    await orchestrator.submit(experiment, runId);
    orchestrator.close();
    const item = await cluster.bus.take(runsQueue, signal);
    const work = runWorkSchema.parse(item!.work);
    await item!.done();
    chief = connect(service, work.chief!);
    const engine = await createEngine(testEngine);
    const dataset = await openDatasets(world.datasets).get('tiny');
    hello = {
      ...{ runId, attempt: work.attempt, worker: 'other' },
      ...{ address: '127.0.0.1:1', engine: engine.name },
      ...{ engineVersion: engine.version, codeVersion: packageVersion() },
      datasetDigest: dataset.digest,
    };
    await engine.dispose();
  }, 60_000);

  afterAll(async () => {
    stop.abort(new Error('the test is over'));
    chief.close();
    await cluster[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  /** What the chief says until it ends the stream, or the error. */
  async function told(...requests: JoinRequest[]): Promise<string[]> {
    const said: string[] = [];
    for await (const { message } of chief.join(saying(...requests), { signal }))
      if (message !== undefined && message !== 'heartbeat') said.push(message);
    return said;
  }

  it.each([
    ['engine', 'cpu', `engine is cpu, the chief has ${testEngine}`],
    ['engineVersion', '0', 'engineVersion is 0'],
    ['codeVersion', '9.9.9', 'codeVersion is 9.9.9'],
    ['datasetDigest', 'beef', 'datasetDigest is beef'],
  ])('refuses a worker of another %s', async (field, value, message) => {
    const other = told({ hello: { ...hello, [field]: value } });
    await expect(other).rejects.toMatchObject({
      reason: 'REPLICA_MISMATCH',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ['another run', { runId: 'other' }],
    ['another attempt', { attempt: 7 }],
  ])('refuses a worker for %s', async (_, changes) => {
    const other = told({ hello: { ...hello, ...changes } });
    await expect(other).rejects.toMatchObject({ reason: 'GROUP_NOT_FOUND' });
  });

  it('refuses a worker that does not say who it is', async () => {
    await expect(told({ heartbeat: {} })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      metadata: { field: 'hello' },
    });
  });

  it('refuses links of a generation that is not in force', async () => {
    const header = { runId, attempt: hello.attempt!, generation: 9, index: 1 };
    const requests = (async function* () {
      yield { header };
    })();
    const link = chief.exchange(requests, { signal })[Symbol.asyncIterator]();
    await expect(link.next()).rejects.toMatchObject({
      reason: 'STALE_GENERATION',
    });
  });

  it('goes on without a worker that never gets ready, and without a silent one', async () => {
    // Both take a seat, load nothing, and say nothing: one is late with the
    // state, then both are silent.
    const error = await told({ hello }).catch((error: unknown) => error);
    expect(error).toMatchObject({
      reason: 'MEMBERS_CHANGED',
      message: expect.stringContaining('not ready within 300 ms') as string,
    });
    const orchestrator = openOrchestrator(cluster.orchestratorAddress);
    const silent = told({ hello }, { ready: { generation: 3 } }).catch(
      (error: unknown) => error,
    );
    const { result } = await followRun(orchestrator, runId, () => {});
    orchestrator.close();
    expect(result?.steps).toBe(54);
    expect(await silent).toMatchObject({ reason: 'WORKER_LOST' });
  }, 60_000);
});
