import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptFileError, RecordsStorageError } from '../errors.js';
import { openBus } from './index.js';
import { leaderBucket } from './subjects.js';

/** What the contract suite (test/contract) cannot see: another process. */

describe('records on disk', () => {
  let recordsDir: string;
  beforeEach(async () => {
    recordsDir = await mkdtemp(join(tmpdir(), 'rrd-records-'));
  });
  afterEach(() => rm(recordsDir, { recursive: true }));

  const open = () => openBus({ kind: 'in-process', recordsDir });

  it('are there again, and all numbers go on above those of before', async () => {
    const before = await open();
    const runs = await before.records('runs');
    await runs.create('a', { n: 1 });
    const first = await runs.create('b', { n: 2 });
    const second = await runs.update('b', { n: 3 }, first);
    const gone = await runs.create('c', {});
    await runs.delete('c', gone);
    await before.publish('rrd.v1.test', {});
    const sequenceOf = async (bus: typeof before) => {
      const { signal } = new AbortController();
      const events = bus.subscribe('rrd.v1.test', { from: 'start', signal });
      for await (const { sequence } of events) return sequence;
      return undefined;
    };
    const sequence = await sequenceOf(before);
    await before.close();

    const after = await open();
    const again = await after.records('runs');
    expect((await again.list()).map(({ key }) => key).sort()).toEqual([
      ...['a', 'b'],
    ]);
    const kept = { key: 'b', value: { n: 3 }, revision: second };
    expect(await again.get('b')).toEqual(kept);
    const third = await again.update('b', { n: 4 }, second);
    expect(third).toBeGreaterThan(gone);
    await after.publish('rrd.v1.test', {});
    expect(await sequenceOf(after)).toBeGreaterThan(sequence!);
    await after.close();
  });

  it('but for the lease of a leader, who is gone with the bus', async () => {
    const before = await open();
    await (await before.records(leaderBucket)).create('orchestrator', {});
    await before.close();
    const after = await open();
    expect(await (await after.records(leaderBucket)).keys()).toEqual([]);
    await after.close();
  });

  it('are written by whoever opened the folder last', async () => {
    const older = await (await open()).records('runs');
    const revision = await older.create('a', { n: 1 });
    const newer = await (await open()).records('runs');
    await expect(older.update('a', { n: 2 }, revision)).rejects.toThrow(
      RecordsStorageError,
    );
    await expect(older.delete('a', revision)).rejects.toThrow('since');
    expect((await older.get('a'))?.value).toEqual({ n: 1 });
    await newer.update('a', { n: 3 }, revision);
  });

  it('that were damaged are named, not lost in silence', async () => {
    const bus = await open();
    await (await bus.records('runs')).create('a', { text: 'as it was' });
    await bus.close();
    const path = join(recordsDir, 'runs', 'a');
    const text = await readFile(path, 'utf8');
    for (const damaged of [text.replace('was', 'is'), text.slice(0, 50), '']) {
      await writeFile(path, damaged);
      await expect(open()).rejects.toThrow(CorruptFileError);
      await expect(open()).rejects.toThrow(path);
    }
  });

  it('are whole after a kill in the midst of writing, the acknowledged ones at least', async () => {
    const entry = new URL('./records-folder.test-process.js', import.meta.url);
    for (let round = 1; round <= 3; round++) {
      const writer = fork(entry, [recordsDir]);
      let acknowledged = 0;
      writer.on('message', (n) => (acknowledged = n as number));
      const goal = 20 * round;
      await expect
        .poll(() => acknowledged, { timeout: 30_000 })
        .toBeGreaterThan(goal);
      const exit = once(writer, 'exit');
      writer.kill('SIGKILL');
      await exit;
      const bus = await open();
      const record = await (await bus.records('runs')).get('a');
      const { n, text } = record!.value as { n: number; text: string };
      expect(n).toBeGreaterThanOrEqual(acknowledged);
      expect(text).toBe(String(n % 10).repeat(10_000));
      await bus.close();
    }
  }, 60_000);
});
