import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/logger.js';
import { Bank } from './bank.js';
import type { BankQueue } from './bank-queue.js';
import { toConfig } from './config.js';
import { createEvents } from './events.js';
import { createRows } from './queue-rows.js';
import type { QueueSpec } from './queue-spec.js';
import { openJournal } from './storage/disk-journal.js';

const spec: QueueSpec = {
  ...{ queue: 'q', capacity: 7, featDim: 2, seed: 1, init: 'rows' },
  ...{ worldSize: 2, teacherDigest: 't', projectionSeed: 4 },
  ...{ precision: 'float32', shared: true },
};
const log = createLogger('test', { level: 'silent' });
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rrd-shared-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** A bank with what the folder holds; its one queue, made if it is missing. */
async function open() {
  const config = toConfig({ dataDir, maxRuns: 3, logBytes: 2_000 });
  const bank = new Bank(config);
  const journal = await openJournal(bank, config, createEvents(bank, log));
  const prepared = bank.prepareCreate(spec, 0);
  const isHeld = 'spec' in prepared;
  const queue: BankQueue = isHeld
    ? prepared
    : bank.create(spec, 0, prepared, createRows(spec)).queue;
  await journal.keep(queue);
  return { bank, journal, queue };
}

type Opened = Awaited<ReturnType<typeof open>>;

const hand = (
  { journal, queue }: Opened,
  [runId, epoch, step, rank]: readonly [string, number, number, number],
) =>
  journal.enqueue(queue, {
    ...{ runId, epoch, step, rank, teacherDigest: 't', featDim: 2 },
    rows: Float32Array.of(step, runId.charCodeAt(0) + rank / 10),
    traceparent: '',
  });

const joinAs = (
  { journal, queue }: Opened,
  runId: string,
  epoch = 1,
  nextStep = 0,
) => journal.join(queue, { runId, epoch, nextStep });

/** Both ranks. */
async function step(
  bank: Opened,
  runId: string,
  number: number,
  epoch = 1,
): Promise<void> {
  await hand(bank, [runId, epoch, number, 1]);
  await hand(bank, [runId, epoch, number, 0]);
}

describe('a shared queue', () => {
  it('takes the steps of each run in order, and of all as they are complete', async () => {
    const bank = await open();
    await joinAs(bank, 'a');
    await joinAs(bank, 'b', 1, 5);
    await step(bank, 'b', 5);
    await step(bank, 'a', 1); // waits for step 0
    await step(bank, 'b', 6);
    await step(bank, 'a', 0);
    const commits = [0, 1, 2, 3].map((v) => bank.queue.deltaAfter(v)!);
    expect(commits.map(({ runId, step: of }) => [runId, of])).toEqual([
      ['b', 5],
      ['b', 6],
      ['a', 0],
      ['a', 1],
    ]);
    expect(bank.queue.state.members).toEqual([
      { runId: 'a', epoch: 1, nextStep: 2 },
      { runId: 'b', epoch: 1, nextStep: 7 },
    ]);
    await bank.journal.close();
  });

  it('refuses who has not joined, has left, or is superseded, and one too many', async () => {
    const bank = await open();
    const { journal, queue } = bank;
    const refused = (reason: string) => ({ reason });
    await expect(step(bank, 'a', 0)).rejects.toMatchObject(
      refused('RUN_NOT_JOINED'),
    );
    await joinAs(bank, 'a', 2);
    await expect(step(bank, 'a', 0)).rejects.toMatchObject(
      refused('STALE_EPOCH'),
    );
    await expect(joinAs(bank, 'a', 1)).rejects.toMatchObject(
      refused('STALE_EPOCH'),
    );
    await expect(journal.leave(queue, 'a', 1)).rejects.toMatchObject(
      refused('STALE_EPOCH'),
    );
    const foreign = { ...{ runId: 'a', epoch: 2, step: 0, rank: 0 } };
    await expect(
      journal.enqueue(queue, {
        ...{ ...foreign, teacherDigest: 't', projectionSeed: 5, featDim: 2 },
        ...{ rows: Float32Array.of(1, 2), traceparent: '' },
      }),
    ).rejects.toMatchObject(refused('PROJECTION_MISMATCH'));
    await joinAs(bank, 'b');
    await joinAs(bank, 'c');
    await expect(joinAs(bank, 'd')).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      metadata: { field: 'member.run_id' },
    });
    expect(await journal.leave(queue, 'b')).toBe(true);
    expect(await journal.leave(queue, 'b')).toBe(false);
    await expect(step(bank, 'b', 0)).rejects.toMatchObject(
      refused('RUN_NOT_JOINED'),
    );
    await joinAs(bank, 'd');
    await journal.close();
  });

  it('forgets what was pending of a run that goes on under a higher epoch', async () => {
    const bank = await open();
    await joinAs(bank, 'a');
    await step(bank, 'a', 0);
    await hand(bank, ['a', 1, 1, 0]);
    await joinAs(bank, 'a', 2, 0);
    expect(bank.queue.state).toMatchObject({
      pendingBatches: 0,
      version: 1,
      // It was at step 0 in its checkpoint; the bank knows better.
      members: [{ runId: 'a', epoch: 2, nextStep: 1 }],
    });
    await step(bank, 'a', 0, 2); // the same rows again: nothing is doubled
    expect(bank.queue.state.version).toBe(1);
    await step(bank, 'a', 1, 2);
    expect(bank.queue.state.version).toBe(2);
    await bank.journal.close();
  });

  it('is back as it was, members included, after any restarts', async () => {
    const runs = ['a', 'b', 'c'];
    const change = fc.record({
      kind: fc.constantFrom('step', 'step', 'half', 'join', 'leave', 'restart'),
      run: fc.constantFrom(...runs),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        await rm(dataDir, { recursive: true, force: true });
        let bank = await open();
        const stands = () => {
          const { rows, state, pending } = bank.queue;
          const { members, version, pointer, pendingBatches } = state;
          return structuredClone({
            ...{ rows, version, pointer, pendingBatches, pending },
            members,
          });
        };
        for (const { kind, run } of changes) {
          const member = bank.queue.members.joined.find(
            ({ runId }) => runId === run,
          );
          const { epoch = 0, nextStep = 0 } = member ?? {};
          if (kind === 'join') await joinAs(bank, run, epoch + 1);
          else if (kind === 'leave') await bank.journal.leave(bank.queue, run);
          else if (kind === 'step' && member)
            await step(bank, run, nextStep, epoch);
          else if (kind === 'half' && member)
            await hand(bank, [run, epoch, nextStep + 1, 1]);
          if (kind !== 'restart') continue;
          const before = stands();
          await bank.journal.close();
          bank = await open();
          expect(stands()).toEqual(before);
        }
        await bank.journal.close();
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
