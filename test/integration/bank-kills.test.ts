import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { FifoQueue } from '#distill/queue.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import { lossesOf, runToEnd } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, type NatsServer, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import {
  ProcessCluster,
  spawnService,
  type ServiceProcess,
} from '../processes.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

/** `RRD_BANK_KILLS=200 npm test -- dist/test/integration/bank-kills` */
const kills = Number(process.env['RRD_BANK_KILLS'] ?? 10);
const worldSize = 2;
const spec = {
  ...{ queue: 'q', capacity: 1000, featDim: 16, seed: 7 },
  ...{ worldSize, teacherDigest: 't', projectionSeed: 0 },
};

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rrd-kills-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** What a rank hands in for a step; any size, so that steps wrap anywhere. */
function rowsOf(step: number, rank: number): Float32Array {
  const rng = rngFrom(3, 'rows', String(step), String(rank));
  const count = 1 + ((step * 7 + rank) % 23);
  return Float32Array.from({ length: count * spec.featDim }, () =>
    rng.normal(),
  );
}

type Client = RpcClient<'rrd.v1.MemoryBankService'>;

describe(`a memory bank that is killed ${kills} times under load`, () => {
  let bank: ServiceProcess;
  let client: Client;
  let ended = false;

  const start = async (port = 0) => {
    const settings = { DATA_DIR: dataDir, LOG_BYTES: 50_000 };
    bank = await spawnService('memory-bank', {
      ...settings,
      LISTEN__PORT: port,
    });
  };

  /** Hands in one batch, until it is acknowledged. */
  async function hand(step: number, rank: number): Promise<boolean> {
    const data = rowsOf(step, rank);
    const shape = [data.length / spec.featDim, spec.featDim];
    for (;;) {
      try {
        const request = {
          ...{ queue: 'q', epoch: 1, teacherDigest: 't' },
          batchId: { runId: 'r', step, rank },
          rows: toWire({ shape, data }),
        };
        const options = { deadlineMs: 2_000 };
        return (await client.enqueue(request, options)).duplicate;
      } catch (error) {
        expect(error).toMatchObject({
          reason: expect.stringMatching(
            /SERVICE_UNAVAILABLE|DEADLINE_EXCEEDED|DRAINING|BANK_BACKLOG/,
          ) as string,
        });
        await sleep(5);
      }
    }
  }

  /** Steps handed in by a rank; what was acknowledged must stay known. */
  async function writer(rank: number): Promise<number> {
    const inFlight = 16;
    for (let first = 0; ; first += inFlight) {
      const steps = Array.from({ length: inFlight }, (_, i) => first + i);
      await Promise.all(steps.map((step) => hand(step, rank)));
      expect(await hand(first + 3, rank)).toBe(true);
      if (ended) return first + inFlight;
    }
  }

  it('has lost and doubled no row', async () => {
    await start();
    const port = Number(bank.address.split(':')[1]);
    client = connect('rrd.v1.MemoryBankService', bank.address);
    await client.createQueue({
      spec: { ...spec, init: 'QUEUE_INIT_ROWS' },
      epoch: 1,
    });
    const rng = rngFrom(11, 'kills');
    const writers = Promise.all([writer(0), writer(1)]);
    for (let kill = 0; kill < kills; kill++) {
      await sleep(20 + rng.uniform() * 250);
      await bank.kill();
      await start(port);
    }
    ended = true;
    const handed = await writers;
    const total = Math.max(...handed);
    for (const [rank, from] of handed.entries()) {
      for (let step = from; step < total; step++) await hand(step, rank);
    }
    await expectAll(total);
    client.close();
    await bank.kill();
  }, 600_000);

  async function expectAll(steps: number): Promise<void> {
    const model = FifoQueue.create({ ...spec, init: 'rows' });
    for (let step = 0; step < steps; step++) {
      const parts = [rowsOf(step, 0), rowsOf(step, 1)];
      model.enqueue(Float32Array.from(parts.flatMap((part) => [...part])));
    }
    const { state } = await client.getQueue({ queue: 'q' });
    expect(state).toMatchObject({ version: steps, pendingBatches: 0 });
    const rows = new Float32Array(spec.capacity * spec.featDim);
    let filled = 0;
    for await (const { chunk } of client.subscribe({ queue: 'q' })) {
      if (!chunk) continue;
      const { data } = fromWire(chunk.rows, {
        ...{ field: 'rows', dataType: 'float32', shape: [null, null] },
      } as const);
      rows.set(data, chunk.firstSlot * spec.featDim);
      filled += data.length;
      if (filled === rows.length) break;
    }
    expect(rows).toEqual(model.rows);
    console.log(`${kills} kills, ${steps} steps: no row lost or doubled`);
  }
});

const missing = natsMissing();

describe.skipIf(missing)(
  `a run whose bank is killed again and again${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    let world: World;
    let nats: NatsServer;
    let cluster: ProcessCluster;

    beforeAll(async () => {
      world = await makeWorld();
      nats = await startNatsServer();
      cluster = await ProcessCluster.start(world, nats, {
        'memory-bank': { DATA_DIR: join(dataDir, 'run'), LOG_BYTES: 100_000 },
      });
    }, 60_000);

    afterAll(async () => {
      await cluster[Symbol.asyncDispose]();
      await nats.close();
      await world[Symbol.asyncDispose]();
    });

    it.each([
      ['queue', { crossEntropy: 1, kd: {}, rrd: { preset: 'cli' } }],
      ['memories', { crossEntropy: 1, crdMemory: { negatives: 9 } }],
    ])(
      'has the curve of one process, bit by bit: %s',
      async (runId, loss) => {
        const epochs = 40;
        const training = { epochs, learningRate: 0.02 };
        const experiment = tinyExperiment({ loss, training });
        const end = runToEnd(cluster.orchestratorAddress, experiment, runId);
        const before = cluster.all('memory-bank').length;
        const folder = join(world.runsDir, runId, 'checkpoints');
        const found = () => readdir(folder).then((names) => names.length > 0);
        while (!(await found().catch(() => false))) await sleep(20);
        for (let kill = 0; kill < 3; kill++) {
          await cluster.kill('memory-bank');
          await cluster.spawn('memory-bank');
          await sleep(300);
        }
        const { phase } = await end;
        expect(phase).toBe('RUN_PHASE_SUCCEEDED');
        const recovered = cluster
          .all('memory-bank')
          .slice(before)
          .filter(({ log }) =>
            log.some((line) => line.includes('"recovered"')),
          );
        expect(recovered).not.toHaveLength(0);
        const reference = await trainInOneProcess({
          experiment,
          engine: await createEngine(testEngine),
          dataset: await openDatasets(world.datasets).get('tiny'),
          teacher: world.teacher,
          steps: 240,
        });
        const losses = await lossesOf(world.runsDir, runId);
        expect(losses).toEqual(reference.losses);
      },
      180_000,
    );
  },
);
