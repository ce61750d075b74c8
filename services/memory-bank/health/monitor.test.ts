import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { queueHealth } from '#distill/queue-health.js';
import { FifoQueue } from '#distill/queue.js';
import { openBus } from '#runtime/bus/index.js';
import { subjects } from '#runtime/bus/subjects.js';
import { QueueNotFoundError } from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { connect } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { toConfig, type MemoryBankSettings } from '../config.js';
import { startMemoryBank } from '../service.js';
import { alarming, type MeasuredHealth } from './alarms.js';

const log = createLogger('test', { level: 'silent' });
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const spec = {
  ...{ queue: 'q', capacity: 100, featDim: 8, seed: 3, worldSize: 1 },
  ...{ teacherDigest: 't', projectionSeed: 0 },
  init: 'QUEUE_INIT_ROWS' as const,
};

async function start(settings: MemoryBankSettings) {
  const bus = await openBus({ kind: 'in-process' });
  const bank = await startMemoryBank(toConfig(settings), { log, bus });
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  cleanups.push(
    () => bus.close(),
    () => bank.close(),
    () => client.close(),
  );
  await client.createQueue({ spec, epoch: 1 });
  let step = 0;
  const enqueue = async (rows: Float32Array) => {
    const shape = [rows.length / 8, 8];
    await client.enqueue({
      ...{ queue: 'q', epoch: 1, teacherDigest: 't' },
      batchId: { runId: 'r', step: step++, rank: 0 },
      rows: toWire({ shape, data: rows }),
    });
  };
  return { bus, client, enqueue };
}

function varied(count: number, key: number): Float32Array {
  const rng = rngFrom(5, key);
  return Float32Array.from({ length: count * 8 }, () => rng.normal());
}

describe('the health of a queue', () => {
  it('is that of its rows, and tells their age and the readers’ lag', async () => {
    const { client, enqueue } = await start({});
    const fifo = FifoQueue.create({ ...spec, init: 'rows' });
    const stop = new AbortController();
    cleanups.push(() => stop.abort());
    const { signal } = stop;
    // A reader that has read nothing but the snapshot's header.
    const reader = client.subscribe({ queue: 'q' }, { signal });
    await reader[Symbol.asyncIterator]().next();
    for (let i = 0; i < 30; i++) {
      const rows = i % 2 === 0 ? varied(10, i) : varied(10, 0);
      fifo.enqueue(rows);
      await enqueue(rows);
    }
    const { health, state } = await client.getQueueHealth({ queue: 'q' });
    const expected = queueHealth(fifo);
    expect(expected.duplicateRate).toBeGreaterThan(0.3);
    expect(health).toMatchObject({ ...expected, version: 30 });
    expect(health).toMatchObject({ measuredRows: 100, oldestRowVersions: 10 });
    expect(state).toMatchObject({ version: 30, subscribers: 1 });
    const none = client.getQueueHealth({ queue: 'none' });
    await expect(none).rejects.toBeInstanceOf(QueueNotFoundError);
  });

  it('raises an alarm once when a threshold is passed, and once when it is over', async () => {
    const { bus, enqueue } = await start({
      healthMs: 20,
      alarms: { duplicateRate: 0.4 },
    });
    const heard: object[] = [];
    const { signal } = new AbortController();
    const events = bus.subscribe(subjects.bankAlarm, { from: 'now', signal });
    void (async () => {
      for await (const { data } of events) heard.push(data);
    })();
    const until = async (count: number) => {
      while (heard.length < count) await sleep(10);
      await sleep(100); // long enough for what must not come
      expect(heard).toHaveLength(count);
    };
    await enqueue(varied(30, 1));
    await until(0);
    await enqueue(new Float32Array(60 * 8).fill(0.5));
    await enqueue(new Float32Array(8).fill(0.5));
    await until(1);
    const alarm = { queue: 'q', measure: 'duplicateRate', threshold: 0.4 };
    expect(heard[0]).toMatchObject({ ...alarm, raised: true });
    await enqueue(varied(60, 2));
    await until(2);
    expect(heard[1]).toMatchObject({ ...alarm, raised: false });
  }, 20_000);
});

describe('alarming', () => {
  const { alarms } = toConfig({});
  const health: MeasuredHealth = {
    ...{ version: 1, measuredRows: 9, oldestRowVersions: 1, meanNorm: 1 },
    ...{ duplicateRate: 0, effectiveRank: 60, similarityEntropy: 0.9 },
    readerLagVersions: 0,
  };

  it.each([
    [{}, 64, []],
    [{ effectiveRank: 1.5 }, 64, ['effectiveRank']],
    [{ effectiveRank: 1 }, 0.5, []],
    [{ duplicateRate: 0.6 }, 64, ['duplicateRate']],
    [
      { readerLagVersions: 1001, similarityEntropy: 1 },
      64,
      ['readerLagVersions', 'similarityEntropy'],
    ],
  ])('%j at most %d: %j', (over, mostRank, measures) => {
    const found = alarming({ ...health, ...over }, alarms, mostRank);
    expect([...found].sort()).toEqual(measures);
  });
});
