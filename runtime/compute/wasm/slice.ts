import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '#distill/tensors.js';

type KernelFunc = tf.KernelConfig['kernelFunc'];

/**
 * The backend's slice copies run by run along the last axis. Axes that are
 * taken whole join their left neighbour here first, so that runs are long.
 */
export function mergedSlice(original: KernelFunc): KernelFunc {
  return (args) => {
    const { dataId, dtype, shape } = args.inputs['x'] as tf.Tensor;
    const { begin, size } = parse(shape, args.attrs as unknown as Attributes);
    const cut = (length: number, axis: number) => length !== shape[axis];
    const last = size.findLastIndex(cut);
    const run = sizeOf(shape.slice(last + 1));
    if (last < 0 || run === 1) return original(args);
    const merge = (lengths: readonly number[]) => [
      ...lengths.slice(0, last),
      lengths[last]! * run,
    ];
    const merged = original({
      ...args,
      inputs: { x: { dataId, dtype, shape: merge(shape) } },
      attrs: { begin: merge(begin), size: merge(size) },
    }) as tf.TensorInfo;
    return { ...merged, shape: size };
  };
}

interface Attributes {
  readonly begin: number | number[];
  readonly size: number | number[];
}

/** One begin and size for each axis. */
function parse(
  shape: number[],
  attributes: Attributes,
): Record<'begin' | 'size', number[]> {
  const { begin, size } = attributes;
  const x = { shape } as tf.TensorInfo; // all that is read of it
  const [first, count] = tf.slice_util.parseSliceParams(x, begin, size);
  return { begin: first!, size: count! };
}
