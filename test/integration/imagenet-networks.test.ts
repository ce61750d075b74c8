import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNetwork, type NetworkName } from '#distill/models/index.js';
import { drawTensor } from '#distill/tensors.js';
import type { EngineName } from '#runtime/compute/engine.js';
import { createEngine, engineProviders } from '#runtime/compute/index.js';
import { packageRoot } from '#runtime/paths.js';
import { largestOf, normOf } from '../golden/checks.js';
import { channelsLast } from '../golden/json.js';
import { runNetwork } from '../golden/network-program.js';
import { uniforms, zooState } from '../golden/zoo-weights.js';

/** The ImageNet networks against real PyTorch, on small images. */
const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
if (!hasTorch) {
  console.warn(
    'SKIPPED: the ImageNet networks beside real PyTorch, since the Debian ' +
      'package python3-torch is not installed',
  );
}

interface Passes {
  readonly names: readonly string[];
  readonly eval: readonly number[];
  readonly train: readonly number[];
  /** Norms by parameter. */
  readonly gradients: Readonly<Record<string, number>>;
}

const side = 64;
let oracle: Record<string, Passes>;

beforeAll(async () => {
  if (!hasTorch) return;
  const script = join(packageRoot, 'test/oracle/imagenet.py');
  const limits = { maxBuffer: 64 * 2 ** 20 };
  const run = promisify(execFile);
  const { stdout } = await run(python, [script, String(side)], limits);
  oracle = JSON.parse(stdout) as Record<string, Passes>;
}, 300_000);

const images = () => {
  const next = uniforms('__input__', '');
  return drawTensor([4, 3, side, side], () => (2 * next() - 1) * 1.7);
};
const labels = { shape: [4], data: Int32Array.of(3, 99, 41, 0) };

// Every engine where that is a matter of seconds, else the fastest one.
const light: NetworkName[] = ['resnet18', 'mobilenet_v2', 'shufflenet_v2_x1_0'];
const heavy: NetworkName[] = [
  ...(['resnet34', 'resnet50', 'wide_resnet50_2', 'resnext50_32x4d'] as const),
];
const fast: EngineName[] = ['tensorflow', 'onnx', 'wasm'];
const cases = [
  ...light.flatMap((name) => fast.map((engine) => [name, engine] as const)),
  ...heavy.map((name) => [name, 'auto'] as const),
];

describe.skipIf(!hasTorch)('an ImageNet network equals PyTorch', () => {
  it.for(cases)(
    '%s on %s',
    { timeout: 120_000 },
    async ([name, engineName], { skip }) => {
      const provider = engineProviders.find((p) => p.name === engineName);
      const problem = await provider?.missing();
      if (problem !== undefined) skip(problem);
      const engine = await createEngine(engineName);
      const network = createNetwork(name, 100);
      const state = zooState(network, '');
      const expected = oracle[name]!;
      expect(Object.keys(state).sort()).toEqual(expected.names);
      const run = { network, state } as const;
      const given = { images: channelsLast(images()) };
      const evaluated = await runNetwork(engine, {
        ...{ ...run, inputs: given, mode: 'eval', gradients: false },
      });
      expectClose(evaluated['logits']!.data, expected.eval, 1e-5);
      const inputs = { ...given, labels };
      const trained = await runNetwork(engine, {
        ...{ ...run, inputs, mode: 'train', gradients: true },
      });
      expectClose(trained['logits']!.data, expected.train, 1e-3);
      const largest = Math.max(...Object.values(expected.gradients));
      for (const [parameter, norm] of Object.entries(expected.gradients)) {
        const actual = normOf(trained[`grad.${parameter}`]!.data);
        const tolerance = 5e-2 * Math.max(norm, largest / 1000);
        expect(Math.abs(actual - norm), parameter).toBeLessThan(tolerance);
      }
      await engine.dispose();
    },
  );
});

/** Within a share of the largest value. */
function expectClose(
  actual: ArrayLike<number>,
  expected: readonly number[],
  share: number,
): void {
  const tolerance = share * largestOf(expected);
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...expected.map((v, i) => Math.abs(v - actual[i]!)));
  expect(worst).toBeLessThan(tolerance);
}
