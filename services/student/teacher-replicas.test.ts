import { afterEach, describe, expect, it } from 'vitest';
import {
  ConfigInvalidError,
  ServiceUnavailableError,
  TeacherMismatchError,
  TeacherOverloadedError,
} from '#runtime/errors.js';
import type { TeacherDoor } from './teacher-door.js';
import { TeacherReplicas, type ReplicasOptions } from './teacher-replicas.js';

/** Three addresses; what is behind them is up to each test. */
const addresses = '127.0.0.1:1,127.0.0.1:2,127.0.0.1:3';
const [first, second, third] = addresses.split(',') as [string, string, string];

interface Behaviour {
  digest: string;
  /** What a call throws, if anything. */
  failure?: () => Error;
  /** Nobody listens. */
  away?: boolean;
}

let replicas: TeacherReplicas | undefined;
afterEach(() => replicas?.close());

const away = () =>
  new ServiceUnavailableError({ service: 's', address: 'a', waitedMs: 1 });

async function open(
  behaviours: Record<string, Behaviour>,
  changes: Partial<ReplicasOptions> = {},
) {
  const events: string[] = [];
  const note = (what: string) => (address: string) => {
    events.push(`${what} ${address}`);
  };
  const signal = new AbortController().signal;
  replicas = await TeacherReplicas.open(
    {
      ...{ addresses, service: 'teacher', describeMs: 2_000, attemptMs: 200 },
      open: ({ address }) => doorOf(behaviours[address]!),
      listener: {
        joined: note('joined'),
        lost: note('lost'),
        refused: note('refused'),
      },
      ...changes,
    },
    signal,
  );
  /** Who answers a call. */
  const ask = () =>
    replicas!.call({ ms: 1_000, signal }, async (door) => {
      const { behaviour } = door as FakeDoor;
      if (behaviour.away) throw away();
      if (behaviour.failure) throw behaviour.failure();
      return Object.keys(behaviours).find(
        (address) => behaviours[address] === behaviour,
      );
    });
  return { events, ask };
}

type FakeDoor = TeacherDoor & { behaviour: Behaviour };

function doorOf(behaviour: Behaviour): FakeDoor {
  return {
    behaviour,
    bytes: 1,
    async describe() {
      if (behaviour.away) throw away();
      const { digest } = behaviour;
      return {
        digest,
        featureDim: 1,
        classCount: 1,
        mapShapes: [],
        maxBatchSize: 1,
      };
    },
    extract: () => Promise.reject(new Error('the test calls nothing')),
    close() {},
  };
}

/** As a certificate that is not there. */
function unreadable(): never {
  const value = '/nowhere/ca.pem';
  const expected = 'a PEM file that can be read';
  const problem = { source: 'tls', line: 0, field: 'caPath', value, expected };
  throw new ConfigInvalidError(problem);
}

const same = (): Record<string, Behaviour> => ({
  [first]: { digest: 'a' },
  [second]: { digest: 'a' },
  [third]: { digest: 'a' },
});

describe('TeacherReplicas', () => {
  it('takes turns', async () => {
    const { ask } = await open(same());
    const asked = [await ask(), await ask(), await ask()];
    expect(asked.sort()).toEqual([first, second, third]);
    expect(replicas!.bytes).toBe(3);
  });

  it('takes one that is away out at once, and back when it is there', async () => {
    const all = same();
    const { ask, events } = await open(all);
    all[second]!.away = true;
    const during = await Promise.all(Array.from({ length: 9 }, ask));
    expect(during).not.toContain(second);
    expect(events.filter((event) => event === `lost ${second}`)).toHaveLength(
      1,
    );
    all[second]!.away = false;
    const joined = () => events.filter((e) => e === `joined ${second}`).length;
    await expect.poll(joined, { timeout: 3_000 }).toBe(2);
    expect([await ask(), await ask(), await ask()]).toContain(second);
  });

  it('asks another one if the first is busy', async () => {
    const all = same();
    const { ask, events } = await open(all);
    all[first]!.failure = () => new TeacherOverloadedError({ depth: 9 });
    const answers = await Promise.all(Array.from({ length: 6 }, ask));
    expect(answers).not.toContain(first);
    expect(events).not.toContain(`lost ${first}`);
  });

  it('does not begin where two teachers differ, and names one', async () => {
    const all = { ...same(), [third]: { digest: 'b' } };
    const metadata = { source: third, expected: 'a', actual: 'b' };
    await expect(open(all)).rejects.toMatchObject({
      reason: 'TEACHER_MISMATCH',
      metadata,
    });
  });

  it('goes on without one that turns into another teacher', async () => {
    const all = same();
    const { ask, events } = await open(all);
    const fields = { source: third, expected: 'a', actual: 'b' };
    all[third]!.failure = () => new TeacherMismatchError(fields);
    const answers = await Promise.all(Array.from({ length: 6 }, ask));
    expect(answers).not.toContain(third);
    expect(events).toContain(`refused ${third}`);
  });

  it('refuses when only other teachers are left', async () => {
    const all = same();
    const { ask } = await open(all);
    for (const [source, behaviour] of Object.entries(all)) {
      const fields = { source, expected: 'a', actual: 'b' };
      behaviour.failure = () => new TeacherMismatchError(fields);
    }
    await expect(ask()).rejects.toBeInstanceOf(TeacherMismatchError);
  });

  it('does not begin where nobody can be called, and says why', async () => {
    const changes = { open: () => unreadable() };
    await expect(open(same(), changes)).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
    });
  });

  it('goes on where somebody new cannot be called', async () => {
    let known = [first];
    const all = same();
    const { ask, events } = await open(all, {
      addresses: 'dns:///teacher:1',
      discoverMs: 20,
      resolve: async () =>
        known.map((address) => ({ address, host: 'teacher' })),
      open: ({ address }) =>
        address === second ? unreadable() : doorOf(all[address]!),
    });
    known = [first, second];
    await expect.poll(() => events.at(-1)).toBe('refused dns:///teacher:1');
    expect([await ask(), await ask()]).toEqual([first, first]);
  });

  it('finds who comes behind a name, and leaves who has left it', async () => {
    let known = [first];
    const { ask, events } = await open(same(), {
      addresses: 'dns:///teacher:1',
      discoverMs: 20,
      resolve: async () =>
        known.map((address) => ({ address, host: 'teacher' })),
    });
    expect([await ask(), await ask()]).toEqual([first, first]);
    known = [first, second];
    await expect.poll(() => events.at(-1)).toBe(`joined ${second}`);
    expect([await ask(), await ask()].sort()).toEqual([first, second]);
    known = [second];
    const twice = async () => [await ask(), await ask()];
    await expect.poll(twice).toEqual([second, second]);
    // A name that is not found at all may be the resolver's fault.
    known = [];
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await ask()).toBe(second);
  });

  it('gives up when nobody comes in time', async () => {
    const all = same();
    const { ask } = await open(all);
    for (const behaviour of Object.values(all)) behaviour.away = true;
    await expect(ask()).rejects.toMatchObject({
      reason: 'SERVICE_UNAVAILABLE',
      metadata: { service: 'teacher', address: addresses },
    });
  });
});
