import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork } from '#distill/models/index.js';
import { drawTensor, type NamedHostTensors } from '#distill/tensors.js';
import { importWeights } from '#runtime/checkpoint/index.js';
import { encodeSafetensors } from '#runtime/checkpoint/safetensors.js';
import { createEngine } from '#runtime/compute/index.js';
import {
  CheckpointMismatchError,
  CorruptFileError,
  UnsafeCheckpointError,
} from '#runtime/errors.js';
import { packageRoot } from '#runtime/paths.js';

/** Real PyTorch writes files for us, and reads ours. */
const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
if (!hasTorch) {
  console.warn(
    'SKIPPED: checkpoints of real PyTorch, since the Debian package ' +
      'python3-torch is not installed',
  );
}

const script = join(packageRoot, 'test/oracle/checkpoints.py');
const side = 8;
const resnet8 = (classCount: number) => createNetwork('resnet8', classCount);
const network = resnet8(10);
const images = drawTensor([4, side, side, 3], uniform('images'));

function uniform(name: string): () => number {
  const rng = rngFrom(1, name);
  return () => rng.uniform() - 0.5;
}

/** Running statistics of their own too: fresh ones would hide a mix-up. */
function weights(): NamedHostTensors {
  const drawn = Object.entries(network.init(rngFrom(7)));
  const changed = drawn.map(([name, tensor]) => {
    if (!/running_|bn\d\.(weight|bias)/.test(name)) return [name, tensor];
    const next = uniform(name);
    return [name, drawTensor(tensor.shape, () => 1 + next())];
  });
  return Object.fromEntries(changed) as NamedHostTensors;
}

async function logitsOf(tensors: NamedHostTensors): Promise<number[]> {
  const engine = await createEngine('cpu');
  const program = createForwardProgram(network, [side, side, 3], 4);
  const executable = await engine.compile(program, tensors);
  const { logits } = await executable.run({ images });
  await engine.dispose();
  return [...logits!.data];
}

let folder: string;
const at = (name: string) => join(folder, name);
const run = promisify(execFile);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-checkpoints-'));
  await writeFile(at('ours.safetensors'), encodeSafetensors(weights()));
  if (!hasTorch) return;
  await run(python, [script, 'write', at('ours.safetensors'), folder]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!hasTorch)('checkpoints of real PyTorch', () => {
  it.each(['zip.pth', 'legacy.pth', 'parallel.pth', 'views.pth'])(
    'load with equal weights: %s',
    async (name) => {
      const imported = await importWeights(at(name), resnet8);
      expect(imported.network.classCount).toBe(10);
      expect(imported.tensors).toEqual(weights());
    },
  );

  it('may lack counts of batches', async () => {
    const { tensors } = await importWeights(at('uncounted.pth'), resnet8);
    expect(tensors).toEqual(weights());
  });

  it('may be of half precision', async () => {
    const { tensors } = await importWeights(at('half.pth'), resnet8);
    for (const [name, { data }] of Object.entries(weights())) {
      const close = Array.from(data, (v) => expect.closeTo(v, 2) as number);
      expect([...tensors[name]!.data]).toEqual(close);
    }
  });

  it('have equal logits there and here, through our safetensors', async () => {
    await writeFile(at('images.bin'), images.data);
    const { tensors } = await importWeights(at('legacy.pth'), resnet8);
    await writeFile(at('again.safetensors'), encodeSafetensors(tensors));
    const command = ['logits', at('again.safetensors'), at('images.bin')];
    const { stdout } = await run(python, [script, ...command, String(side)]);
    const expected = (JSON.parse(stdout) as number[][]).flat();
    const actual = await logitsOf(tensors);
    for (const [i, value] of expected.entries())
      expect(actual[i]).toBeCloseTo(value, 4);
  }, 60_000);

  it.each([
    ['reduce.pth', UnsafeCheckpointError, /\w+\.system/],
    ['reduce-legacy.pth', UnsafeCheckpointError, /\w+\.system/],
    ['protocol4.pth', CorruptFileError, /protocol 4/],
    ['shape.pth', CheckpointMismatchError, /layer2\.0\.conv1\.weight.*3, 3/],
    ['expanded.pth', CheckpointMismatchError, /layer2\.0\.conv1\.weight/],
    ['nan.pth', CheckpointMismatchError, /bn1\.weight.*finite.*NaN at 0/],
    ['missing.pth', CheckpointMismatchError, /bn1\.weight.*nothing/],
    ['unexpected.pth', CheckpointMismatchError, /extra\.weight/],
    ['other.pth', CheckpointMismatchError, /a dict/],
    ['bomb.pth', CorruptFileError, /compressed/],
    ['nested.pth', CorruptFileError, /nesting/],
    ['long.pth', CorruptFileError, /cut off/],
  ] as const)('are refused if they are bad: %s', async (name, type, text) => {
    const error: unknown = await importWeights(at(name), resnet8).catch(
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(type);
    expect(String(error)).toMatch(text);
    expect(existsSync('EXECUTED')).toBe(false);
  });

  it.each(['zip.pth', 'legacy.pth'])(
    'are refused cut off: %s',
    async (name) => {
      const whole = await readFile(at(name));
      for (const share of [0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999]) {
        await writeFile(at('cut.pth'), whole);
        await truncate(at('cut.pth'), Math.floor(share * whole.length));
        await expect(importWeights(at('cut.pth'), resnet8)).rejects.toThrow(
          CorruptFileError,
        );
      }
    },
  );

  it('give tensors or a typed error, whatever byte is changed', async () => {
    const next = rngFrom(3, 'bytes');
    const whole = await readFile(at('legacy.pth'));
    const known = [
      CorruptFileError,
      UnsafeCheckpointError,
      CheckpointMismatchError,
    ];
    for (let i = 0; i < 200; i++) {
      const changed = Buffer.from(whole);
      changed[Math.floor(next.uniform() * 3000)] = next.uniform() * 256;
      await writeFile(at('changed.pth'), changed);
      const error: unknown = await importWeights(
        at('changed.pth'),
        resnet8,
      ).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (error) expect(known.some((k) => error instanceof k)).toBe(true);
    }
  }, 60_000);
});

describe('safetensors', () => {
  it('load with equal weights', async () => {
    const { tensors } = await importWeights(at('ours.safetensors'), resnet8);
    expect(tensors).toEqual(weights());
  });

  it('of another network name the tensor', async () => {
    const other = (classCount: number) => createNetwork('resnet14', classCount);
    await expect(
      importWeights(at('ours.safetensors'), other),
    ).rejects.toMatchObject({
      metadata: { tensor: 'layer1.1.conv1.weight', actual: 'nothing' },
    });
  });

  it.each(['', 'GIF89a 12345', 'PK\u0003\u0004 nothing else'])(
    'or files of torch are expected, not %j',
    async (text) => {
      await writeFile(at('magic'), text);
      await expect(importWeights(at('magic'), resnet8)).rejects.toThrow(
        CorruptFileError,
      );
    },
  );
});
