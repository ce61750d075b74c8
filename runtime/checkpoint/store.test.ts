import {
  mkdtemp,
  readFile,
  readdir,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptFileError } from '../errors.js';
import {
  keepNewest,
  listSteps,
  modelManifestSchema,
  readCheckpoint,
  stepLocation,
  writeCheckpoint,
} from './index.js';

const tensors = { w: { shape: [3], data: new Float32Array([1, 2, 3]) } };
const training = { 'momentum.w': { shape: [1], data: new Int32Array([4]) } };
const manifest = { kind: 'test', epoch: 3 };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-checkpoint-'));
});

afterEach(() => rm(folder, { recursive: true }));

const write = (name: string) =>
  writeCheckpoint(join(folder, name), { tensors, training, manifest });

describe('checkpoints', () => {
  it('come back as they were written', async () => {
    await write('a/b');
    const read = await readCheckpoint(join(folder, 'a/b'));
    expect(read).toMatchObject({ tensors, training, manifest });
    expect(read.manifest.files['model.safetensors']?.bytes).toBeGreaterThan(12);
  });

  it('are replaced whole, and leave nothing beside', async () => {
    await write('a');
    const again = { w: { shape: [1], data: new Float32Array([9]) } };
    await writeCheckpoint(join(folder, 'a'), { tensors: again, manifest });
    const read = await readCheckpoint(join(folder, 'a'));
    expect(read.tensors).toEqual(again);
    expect(read.training).toBeUndefined();
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('leave nothing behind when writing fails', async () => {
    const wrong = { w: { shape: [4], data: new Float32Array(1) } };
    const attempt = writeCheckpoint(join(folder, 'a'), {
      tensors: wrong,
      manifest,
    });
    await expect(attempt).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });

  const damages: Record<string, (dir: string) => Promise<void>> = {
    'an empty folder': async (dir) => {
      for (const name of await readdir(dir)) await rm(join(dir, name));
    },
    'no manifest': (dir) => rm(join(dir, 'manifest.json')),
    'a truncated manifest': (dir) => truncate(join(dir, 'manifest.json'), 40),
    'an older format': async (dir) => {
      const path = join(dir, 'manifest.json');
      const text = await readFile(path, 'utf8');
      const older = text.replace('"formatVersion": 1', '"formatVersion": 0');
      await writeFile(path, older);
    },
    'no tensors': (dir) => rm(join(dir, 'model.safetensors')),
    'truncated tensors': (dir) => truncate(join(dir, 'model.safetensors'), 50),
    'longer tensors': (dir) =>
      writeFile(join(dir, 'model.safetensors'), 'x', { flag: 'a' }),
    'one changed bit': async (dir) => {
      const path = join(dir, 'training.safetensors');
      const bytes = await readFile(path);
      bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
      await writeFile(path, bytes);
    },
  };
  it.each(Object.entries(damages))('refuse %s', async (_, damage) => {
    await write('a');
    await damage(join(folder, 'a'));
    const reading = readCheckpoint(join(folder, 'a'));
    await expect(reading).rejects.toBeInstanceOf(CorruptFileError);
  });

  it('refuse a manifest of another kind', async () => {
    await write('a');
    const reading = readCheckpoint(join(folder, 'a'), modelManifestSchema);
    await expect(reading).rejects.toMatchObject({
      reason: 'CORRUPT_FILE',
      metadata: { path: join(folder, 'a/manifest.json') },
    });
  });
});

describe('the checkpoints of a run', () => {
  it('are listed by step, and only the newest kept', async () => {
    expect(await listSteps(join(folder, 'none'))).toEqual([]);
    for (const step of [20, 3, 100_000_000]) {
      await write(stepLocation('', step));
    }
    await writeFile(join(folder, 'step-x'), '');
    await keepNewest(folder, 2);
    const kept = await listSteps(folder);
    expect(kept.map(({ step }) => step)).toEqual([20, 100_000_000]);
    await keepNewest(folder, 5);
    expect(await listSteps(folder)).toEqual(kept);
  });
});
