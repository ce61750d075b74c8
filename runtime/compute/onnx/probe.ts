import { addBlocked, blockFilter } from './blocked.js';
import { Graph } from './graph.js';
import { encodeModel } from './model.js';
import type { OnnxRuntime } from './onnxruntime.js';

/**
 * The block size of this machine's blocked convolutions; undefined if they are
 * not there or do not compute what we know. Their block is the width of the
 * processor's vectors: 16 floats with AVX-512, 8 with AVX2.
 */
export async function probeBlockSize(
  runtime: OnnxRuntime,
): Promise<number | undefined> {
  for (const blockSize of [16, 8]) {
    if (await works(runtime, blockSize)) return blockSize;
  }
  return undefined;
}

const pixels = 2;

/**
 * A 1x1 convolution c of two pixels, 2 blocks of channels in and out, and then
 * relu(2 c - 900 + c) channel by channel: only the right block size gives the
 * right numbers, which are whole and so exact.
 */
async function works(
  runtime: OnnxRuntime,
  blockSize: number,
): Promise<boolean> {
  const channels = 2 * blockSize;
  const x = Float32Array.from({ length: channels * pixels }, (_, i) => i % 13);
  const w = Float32Array.from({ length: channels ** 2 }, (_, i) => i % 7);
  const { model, output } = probeModel(blockSize, channels);
  const { InferenceSession, Tensor } = runtime;
  try {
    const options = { intraOpNumThreads: 1, logSeverityLevel: 4 };
    const session = await InferenceSession.create(model, options);
    const feeds = {
      x: new Tensor('float32', x, [1, channels, 1, pixels]),
      w: new Tensor('float32', w, [channels, channels, 1, 1]),
    };
    const { [output]: y } = await session.run(feeds, { [output]: null });
    await session.release();
    const expected = expectedOutput(x, w, channels);
    return expected.every((value, i) => value === y!.data[i]);
  } catch {
    return false; // an ONNX Runtime without these operators
  }
}

function probeModel(blockSize: number, channels: number) {
  const graph = new Graph(blockSize);
  const all = (value: number, dims: readonly number[]) =>
    graph.constant('float32', dims, new Float32Array(channels).fill(value));
  const point = {
    kernel_shape: [1, 1],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
  };
  const image = addBlocked(graph, 'ReorderInput', ['x'], { channels_last: 0 });
  const filter = blockFilter(graph, 'w', [channels, channels, 1, 1]);
  const sum = addBlocked(graph, 'Conv', [image, filter], {
    ...point,
    group: 1,
  });
  const affine = addBlocked(
    graph,
    'Conv',
    [sum, all(2, [channels, 1, 1, 1]), all(-900, [channels]), sum],
    { ...point, group: channels, activation: 'Relu' },
  );
  const output = addBlocked(graph, 'ReorderOutput', [affine], {
    channels,
    channels_last: 0,
  });
  const type = 'float32' as const;
  const dims = [1, channels, 1, pixels];
  const inputs = [
    { name: 'x', type, dims },
    { name: 'w', type, dims: [channels, channels, 1, 1] },
  ];
  const model = encodeModel(graph, inputs, [{ name: output, type, dims }]);
  return { model, output };
}

function expectedOutput(
  x: Float32Array,
  w: Float32Array,
  channels: number,
): number[] {
  return Array.from({ length: channels * pixels }, (_, i) => {
    const [row, pixel] = [Math.floor(i / pixels), i % pixels];
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      sum += w[row * channels + c]! * x[c * pixels + pixel]!;
    }
    return Math.max(0, 3 * sum - 900);
  });
}
