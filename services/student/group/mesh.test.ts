import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import type { Precision } from '#distill/precision.js';
import { MembersChangedError } from '#runtime/errors.js';
import { forwardBatchSize } from '#runtime/forward.js';
import { createLogger } from '#runtime/logger.js';
import { type RpcServer, startServer } from '#runtime/rpc/server.js';
import {
  type HoldingProxy,
  startHoldingProxy,
} from '../../../test/holding-proxy.js';
import { exchange, join } from '../routes/collective.js';
import { StepFeed } from '../step-feed.js';
import {
  type Collective,
  LocalCollective,
  type StepMean,
} from './collective.js';
import { GroupDoor } from './door.js';
import { Generation } from './generation.js';
import { classifyOwnShare, classifyTogether } from './shared-evaluation.js';
import { dealRanks, type Share, shareOf } from './shares.js';

const log = createLogger('test', { level: 'silent' });
const address = { runId: 'run', attempt: 1 };

/** A rank's vector and buffers at a step. */
function resultOf(step: number, rank: number, length: number) {
  const rng = rngFrom('test', step, rank);
  const vector = Float32Array.from({ length }, () => rng.normal());
  const buffers = Uint8Array.from({ length: 4 * (rank + 1) }, () => rank);
  return { vector, buffers };
}

/** What every worker gets of a step. */
async function takeStep(
  workers: readonly Collective[],
  step: number,
  length: number,
): Promise<StepMean[]> {
  for (const worker of workers) {
    for (const rank of worker.ranks)
      worker.contribute(step, rank, resultOf(step, rank, length));
  }
  return Promise.all(workers.map((worker) => worker.mean(step)));
}

interface StartOptions {
  /** maxBytes of each worker, if not 4 MiB. */
  readonly limits?: readonly number[];
  readonly precision?: Precision;
}

/** Workers that are connected over gRPC. */
class Workers {
  readonly generations: Generation[] = [];
  readonly servers: RpcServer[] = [];
  readonly broken: string[] = [];

  /**
   * @param far what stands between a worker and those that call it
   */
  async start(
    worldSize: number,
    count: number,
    { limits = [], precision = 'float32' }: StartOptions = {},
    far?: { readonly proxy: HoldingProxy; readonly leaseMs: number },
  ) {
    const doors = Array.from({ length: count }, () => new GroupDoor());
    for (const door of doors) {
      const handlers = {
        'rrd.v1.CollectiveService': {
          join: join(door),
          exchange: exchange(door),
        },
      };
      const listen = { host: '127.0.0.1', port: 0 };
      const name = 'worker';
      this.servers.push(await startServer({ name, handlers, listen, log }));
    }
    const addresses = this.servers.map((server) => server.address);
    if (far) {
      far.proxy.target = addresses[0]!;
      addresses[0] = far.proxy.address;
    }
    const ranks = dealRanks(worldSize, count);
    doors.forEach((door, index) => {
      const generation = new Generation({
        ...address,
        ...{ generation: 1, step: 0, index, ranks, addresses },
        ...{ maxBytes: limits[index] ?? 2 ** 22, precision },
        ...{ tls: undefined, heartbeatMs: 50 },
        leaseMs: far?.leaseMs ?? 60_000,
        feedOf: idleFeed,
        onBroken: ({ message }) => this.broken.push(message),
      });
      door.open(address.runId, { attempt: 1, generation });
      this.generations.push(generation);
    });
    for (const { links } of this.generations) links.dial();
    return this.generations.map(({ collective }) => collective);
  }

  async close(): Promise<void> {
    const over = changed('the test is over');
    for (const generation of this.generations) generation.end(over);
    for (const server of this.servers) await server.close();
  }
}

function bytesOf({ buffer }: Float32Array): Buffer {
  return Buffer.from(buffer);
}

function changed(problem: string): MembersChangedError {
  return new MembersChangedError({ generation: 1, problem });
}

function idleFeed(ranks: readonly number[]): StepFeed {
  const none = {
    teacher: undefined,
    bank: undefined,
    memories: undefined,
  };
  const batch = { split: 'train' as const, indices: [], epoch: 1 };
  const nothing = { batch: { batch, outputs: new Set<never>() }, views: {} };
  const requestsOf = () => nothing;
  const steps = { prefetch: 1, staleness: 0, totalSteps: 1, requestsOf };
  const options = { ...address, ...none, ...steps };
  return new StepFeed({ ...options, ranks }, new AbortController().signal);
}

describe('shares', () => {
  it('cover everything, in order, as evenly as can be', () => {
    const sizes = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 64 }), (length, count) => {
        const shares = Array.from({ length: count }, (_, i) =>
          shareOf(length, count, i),
        );
        expect(shares[0]!.start).toBe(0);
        expect(shares.at(-1)!.end).toBe(length);
        shares.slice(1).forEach(({ start }, i) => {
          expect(start).toBe(shares[i]!.end);
        });
        const lengths = shares.map(({ start, end }) => end - start);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(2);
      }),
    );
  });

  it('deal every rank once', () => {
    expect(dealRanks(5, 2)).toEqual([
      [0, 1],
      [2, 3, 4],
    ]);
    expect(dealRanks(3, 3)).toEqual([[0], [1], [2]]);
  });
});

describe.each([
  ['one worker', 1],
  ['two workers', 2],
  ['three workers', 3],
  ['four workers', 4],
] as const)('the collective of %s', (_, count) => {
  let workers: Workers;
  beforeEach(() => void (workers = new Workers()));
  afterEach(() => workers.close());

  it.each(['float32', 'bfloat16'] as const)(
    'gives all the same mean, bit for bit that of a local one: %s',
    async (precision) => {
      const worldSize = 5;
      const local = new LocalCollective(worldSize, precision);
      const meshes = await workers.start(worldSize, count, { precision });
      // Fewer values than workers, and more than one message.
      for (const [step, length] of [3, 300_003, 1].entries()) {
        const [expected] = await takeStep([local], step, length);
        for (const [i, { mean, elsewhere }] of (
          await takeStep(meshes, step, length)
        ).entries()) {
          expect(bytesOf(mean).equals(bytesOf(expected!.mean))).toBe(true);
          const others = meshes.slice(1).flatMap(({ ranks }) => ranks);
          expect(elsewhere.map(({ rank }) => rank)).toEqual(
            i === 0 ? others : [],
          );
          for (const { rank, buffers } of elsewhere)
            expect([...buffers]).toEqual([...resultOf(0, rank, 0).buffers]);
        }
      }
      expect(workers.broken).toEqual([]);
    },
  );
});

describe('a mesh', () => {
  let workers: Workers;
  beforeEach(() => void (workers = new Workers()));
  afterEach(() => workers.close());

  it('ends with its generation, whoever waits', async () => {
    const [first] = await workers.start(2, 2);
    first!.contribute(0, 0, resultOf(0, 0, 10));
    const waiting = expect(first!.mean(0)).rejects.toThrow('dealt again');
    workers.generations[0]!.end(changed('dealt again'));
    await waiting;
    await expect.poll(() => workers.broken).toHaveLength(1);
    expect(workers.broken[0]).toContain('dealt again');
  });

  it('refuses what has no place in it, and says so to its chief', async () => {
    const meshes = await workers.start(2, 2, { limits: [100] });
    meshes[1]!.contribute(0, 1, resultOf(0, 1, 1_000));
    await expect.poll(() => workers.broken.length).toBeGreaterThan(0);
    expect(workers.broken[0]).toContain(
      'total_bytes is 2000, expected at most 100',
    );
  });

  it('notices a worker that is gone', async () => {
    const meshes = await workers.start(2, 2);
    await takeStep(meshes, 0, 10);
    const [first] = meshes;
    first!.contribute(1, 0, resultOf(1, 0, 10));
    const waiting = expect(first!.mean(1)).rejects.toMatchObject({
      reason: 'MEMBERS_CHANGED',
    });
    workers.generations[1]!.links.close(changed('it died'));
    await waiting;
  });

  it('notices one that it calls and does not hear, not one that is busy', async () => {
    await using proxy = await startHoldingProxy('');
    const far = { proxy, leaseMs: 1_000 };
    const meshes = await workers.start(2, 2, {}, far);
    await takeStep(meshes, 0, 10);
    // Nobody has anything to say for longer than the lease.
    await sleep(1.5 * far.leaseMs);
    await takeStep(meshes, 1, 10);
    expect(workers.broken).toEqual([]);
    proxy.hold();
    meshes[1]!.contribute(2, 1, resultOf(2, 1, 10));
    await expect(meshes[1]!.mean(2)).rejects.toMatchObject({
      reason: 'MEMBERS_CHANGED',
      message: expect.stringContaining('within 1000 ms') as string,
    });
    proxy.release();
  });

  it('shares out an evaluation, and the chief finds what others do not', async () => {
    const meshes = await workers.start(3, 3);
    const testSize = 5 * forwardBatchSize + 7;
    const truth = Int32Array.from({ length: testSize }, (_, i) => (7 * i) % 10);
    const asked: string[] = [];
    const placeOf = (worker: string) => ({
      testSize,
      compute: <T>(work: Promise<T>) => work,
      thread: {
        readStatistics: async () => Uint8Array.of(1, 2, 3),
        classify: async ({ start, end }: Share, statistics?: Uint8Array) => {
          asked.push(`${worker} ${start} ${end} ${statistics?.join() ?? ''}`);
          return truth.slice(start, end);
        },
      },
    });
    const [chief, first, second] = meshes;
    const whole = classifyTogether(placeOf('chief'), chief, 0);
    const both = [first!, second!].map((mesh, i) =>
      classifyOwnShare(placeOf(`member ${i + 1}`), mesh, 0),
    );
    await Promise.all(both);
    expect(await whole).toEqual(truth);
    expect(asked.sort()).toEqual([
      'chief 0 256 ',
      'member 1 256 512 1,2,3',
      'member 2 512 647 1,2,3',
    ]);
    // One finds its share, the other one dies of it.
    const again = classifyTogether(placeOf('alone'), chief, 1);
    await classifyOwnShare(placeOf('member 1'), first!, 1);
    workers.generations[0]!.end(changed('a worker is gone'));
    expect(await again).toEqual(truth);
    expect(asked).toContain('alone 512 647 ');
  });
});
