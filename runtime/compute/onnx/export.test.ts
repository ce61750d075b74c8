import { describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork } from '#distill/models/index.js';
import { drawTensor, type NamedHostTensors } from '#distill/tensors.js';
import { createEngine } from '../index.js';
import { exportOnnx } from './export.js';
import { loadOnnxRuntime } from './onnxruntime.js';

const side = 32;

/** Statistics that folding must really use. */
function weightsOf(network: ReturnType<typeof createNetwork>) {
  const drawn = Object.entries(network.init(rngFrom(5)));
  const changed = drawn.map(([name, tensor]) => {
    const isVector = tensor.shape.length === 1;
    if (!isVector) return [name, tensor];
    const rng = rngFrom(5, name);
    const around = /running_var|weight/.test(name) ? 1 : 0;
    const next = () => around + 0.5 * (rng.uniform() - 0.5);
    return [name, drawTensor(tensor.shape, next)];
  });
  return Object.fromEntries(changed) as NamedHostTensors;
}

function countOf(model: Uint8Array, text: string): number {
  return Buffer.from(model).toString('latin1').split(text).length - 1;
}

describe.each([
  ['resnet8', 0],
  ['wrn_16_1', 7],
  ['vgg8', 0],
  ['MobileNetV2', 0],
  ['ShuffleV1', 0],
  ['ShuffleV2', 0],
  ['resnet18', 0],
  ['mobilenet_v2', 0],
  ['shufflenet_v2_x1_0', 0],
] as const)('the ONNX file of %s', (name, unfoldable) => {
  const network = createNetwork(name, 10);
  const tensors = weightsOf(network);
  const imageShape = [side, side, 3] as const;

  it.each([false, true])(
    'agrees with us, batch norms folded: %s',
    async (f) => {
      const model = exportOnnx(
        network,
        tensors,
        { imageShape, foldBatchNorm: f },
        { a: 'b' },
      );
      const norms = countOf(model, 'BatchNormalization');
      if (f) expect(norms).toBe(unfoldable);
      else expect(norms).toBeGreaterThan(4);
      const runtime = await loadOnnxRuntime();
      const session = await runtime.InferenceSession.create(model, {});
      const engine = await createEngine('auto');
      for (const count of [1, 3]) {
        const rng = rngFrom(6, count);
        const draw = () => rng.normal();
        const images = drawTensor([count, 3, side, side], draw);
        const feeds = {
          images: new runtime.Tensor('float32', images.data, images.shape),
        };
        const { logits, features } = await session.run(feeds, {
          ...{ logits: null, features: null },
        });
        const shape = [side, side, 3] as const;
        const executable = await engine.compile(
          createForwardProgram(network, shape, count),
          tensors,
        );
        const own = await executable.run({ images: channelsLast(images.data) });
        expectClose(logits!.data, own['logits']!.data);
        expectClose(features!.data, own['features']!.data);
        expect(logits!.dims).toEqual([count, 10]);
      }
      await engine.dispose();
      await session.release();
    },
  );
});

function channelsLast(data: Float32Array | Int32Array) {
  const pixels = side * side;
  const count = data.length / pixels / 3;
  const moved = Float32Array.from(data, (_, i) => {
    const [image, rest] = [Math.floor(i / (3 * pixels)), i % (3 * pixels)];
    const [pixel, channel] = [Math.floor(rest / 3), rest % 3];
    return data[(image * 3 + channel) * pixels + pixel]!;
  });
  return { shape: [count, side, side, 3], data: moved };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>) {
  const largest = Math.max(...Array.from(expected, Math.abs));
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThan(1e-4 * largest);
}
