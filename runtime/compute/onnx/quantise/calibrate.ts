import type { HostTensor } from '#distill/tensors.js';
import type { ExportedNetwork } from '../export.js';
import { encodeModel, type OpenPort } from '../model.js';
import type { OnnxRuntime } from '../onnxruntime.js';
import { openSession } from '../session.js';
import { roundedValues } from './int8-graph.js';
import type { Range } from './scales.js';

/**
 * The ranges of all values that may be rounded, over some batches of images.
 * @param batches float32 [n, 3, H, W], normalised
 */
export async function calibrate(
  runtime: OnnxRuntime,
  { graph, inputs }: ExportedNetwork,
  batches: readonly HostTensor[],
): Promise<ReadonlyMap<string, Range>> {
  const [images] = inputs as [OpenPort];
  const names = [...roundedValues(graph, new Set())].filter(
    (name) => name !== images.name,
  );
  const dims = ['batch', 'channels', 'height', 'width'];
  const outputs = names.map((name) => ({ name, type: images.type, dims }));
  const model = encodeModel(graph, inputs, outputs);
  const session = await openSession(runtime, model);
  const ranges = new Map<string, Range>();
  const widen = (name: string, data: HostTensor['data']) => {
    const known = ranges.get(name) ?? { low: Infinity, high: -Infinity };
    ranges.set(name, widened(known, data));
  };
  try {
    for (const { data, shape } of batches) {
      const feeds = {
        [images.name]: new runtime.Tensor('float32', data, shape),
      };
      const fetches = Object.fromEntries(names.map((name) => [name, null]));
      const values = await session.run(feeds, fetches);
      widen(images.name, data);
      for (const name of names) widen(name, values[name]!.data);
    }
  } finally {
    await session.release();
  }
  return ranges;
}

function widened({ low, high }: Range, data: HostTensor['data']): Range {
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
