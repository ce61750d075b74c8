import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { channelsFirst } from '#distill/data/channels.js';
import { rngFrom } from '#distill/data/rng.js';
import { mapShapesOf } from '#distill/map-shapes.js';
import { methods } from '#distill/methods/index.js';
import { createNetwork } from '#distill/models/index.js';
import { createStageProgram } from '#distill/stage-program.js';
import { type HostTensor, sizeOf } from '#distill/tensors.js';
import { createEngine } from '#runtime/compute/index.js';
import { packageRoot } from '#runtime/paths.js';

/** The stage of factor transfer against real PyTorch. */
const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
if (!hasTorch) {
  console.warn(
    'SKIPPED: the stage of FT beside real PyTorch, since the Debian package ' +
      'python3-torch is not installed',
  );
}

const steps = 5;
const imageShape = [16, 16, 3] as const;
const training = { batchSize: 6, momentum: 0.9, weightDecay: 5e-4 };
const learningRate = 0.05;

it.skipIf(!hasTorch)(
  'FT trains its paraphraser as PyTorch does',
  async () => {
    const engine = await createEngine('wasm');
    const network = createNetwork('resnet8', 10);
    const teacherMaps = mapShapesOf(network, imageShape);
    const last = `teacherMaps.${teacherMaps.length - 1}`;
    const loss = {
      crossEntropy: 0,
      ft: methods.ft.params.parse({ weight: 1 }),
    };
    const { program, initialState } = createStageProgram(
      {
        ...{ network, imageShape, teacherFeatureDim: 0, teacherMaps },
        experiment: { loss, bank: { capacity: 4, featDim: 4 }, training },
      },
      'ft',
    );
    const state = initialState(5);
    const { shape } = program.inputs[last]!;
    const rng = rngFrom(2, 'map');
    const draw = () => Math.max(0, rng.normal());
    const map = Float32Array.from({ length: sizeOf(shape) }, draw);
    const executable = await engine.compile(program, state);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const outputs = await executable.run({
        images: zeros([training.batchSize, ...imageShape]),
        labels: { shape: [6], data: new Int32Array(6) },
        [last]: { shape, data: map },
        learningRate: { shape: [], data: Float32Array.of(learningRate) },
      });
      losses.push(outputs['loss']!.data[0]!);
    }
    await engine.dispose();
    const expected = oracle({
      map: nested(channelsFirst(map, teacherMaps.at(-1)!), [
        ...[shape[0]!, shape[3]!, shape[1]!, shape[2]!],
      ]),
      tensors: Object.fromEntries(
        Object.entries(state)
          .filter(([name]) => /^ft\.(paraphraser|decoder)\./.test(name))
          .map(([name, t]) => [name.slice(3), nested(t.data, t.shape)]),
      ),
      ...{ learningRate, steps, momentum: 0.9, weightDecay: 5e-4 },
    });
    expect(losses).toHaveLength(steps);
    for (const [i, value] of losses.entries())
      expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(1e-5);
  },
  120_000,
);

function oracle(given: object): number[] {
  const script = join(packageRoot, 'test/oracle/paraphraser.py');
  const input = JSON.stringify(given);
  const { stdout, stderr } = spawnSync(python, [script], {
    ...{ input, encoding: 'utf8', maxBuffer: 2 ** 26 },
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as number[];
}

const zeros = (shape: readonly number[]): HostTensor => ({
  shape,
  data: new Float32Array(sizeOf(shape)),
});

/** Numbers as nested lists. */
function nested(data: ArrayLike<number>, shape: readonly number[]): unknown {
  const [length, ...inner] = shape;
  if (length === undefined) return data[0];
  const size = sizeOf(inner);
  return Array.from({ length }, (_, i) =>
    nested(
      Array.from({ length: size }, (_, k) => data[i * size + k]!),
      inner,
    ),
  );
}
