import { join, resolve } from 'node:path';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '#runtime/compute/engine.js';
import { chooseEngine, createEngine } from '#runtime/compute/index.js';
import { packageRoot } from '#runtime/paths.js';
import { casesUnder } from './cases.js';
import { failuresOf } from './run.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine('wasm');
});
afterAll(() => engine.dispose());

// The fastest engine and the one that is always there.
const fastest = await chooseEngine('auto');
describe.each([...new Set([fastest, 'wasm' as const])])(
  'golden cases, %s',
  (name) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await createEngine(name);
    });
    afterAll(() => engine.dispose());

    for (const golden of casesUnder(
      resolve(packageRoot, 'test/golden/cases'),
    )) {
      it(golden.name, async () => {
        expect(await failuresOf(golden, engine)).toEqual([]);
      });
    }
  },
);

describe('the runner', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rrd-golden-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function failuresFor(content: string): Promise<string[]> {
    writeFileSync(join(folder, 'case.json'), content);
    const cases = casesUnder(folder);
    expect(cases.length).toBe(1);
    return failuresOf(cases[0]!, engine);
  }

  const logits = { shape: [1, 2], data: [0, 0] };
  const label = { shape: [1], dtype: 'int32', data: [0] };
  const ce = {
    name: 'ce',
    source: 'torch.nn.CrossEntropyLoss',
    const: {},
    inputs: { y_s: logits, label },
    loss: Math.log(2),
    grads: { y_s: { shape: [1, 2], data: [-0.5, 0.5] } },
  };

  it('passes what is right and fails what is not', async () => {
    expect(await failuresFor(JSON.stringify(ce))).toEqual([]);
    const wrong = { ...ce, loss: 0.7 };
    expect((await failuresFor(JSON.stringify(wrong))).length).toBe(1);
    const unknown = { shape: [1, 2], data: [null, 0.5] };
    const broken = { ...ce, grads: { y_s: unknown } };
    expect((await failuresFor(JSON.stringify(broken))).length).toBe(1);
  });

  it.each(['{"name":"x","source":"Unheard.py"}', '{}', '[]', 'no JSON'])(
    'fails on a file that says %s',
    async (content) => {
      expect((await failuresFor(content)).length).toBe(1);
    },
  );
});
