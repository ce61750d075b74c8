import * as tf from '@tensorflow/tfjs-core';
import {
  filterGradient,
  inputGradient,
  type ConvAttributes,
} from './conv-gradients.js';
import {
  depthwiseFilterGradient,
  depthwiseInputGradient,
} from './depthwise-gradients.js';
import { matMul } from './mat-mul.js';
import { mergedSlice } from './slice.js';

type Shape4D = [number, number, number, number];
type KernelFunc = tf.KernelConfig['kernelFunc'];

let registered = false;

/** Adds the kernels that the wasm backend lacks, and replaces slow ones. */
export function registerKernels(): void {
  if (registered) return;
  registered = true;
  register('Conv2DBackpropFilter', byFilter(filterGradient));
  replace('Conv2DBackpropInput', () => byInput(inputGradient));
  register(
    'DepthwiseConv2dNativeBackpropFilter',
    byFilter(depthwiseFilterGradient),
  );
  register(
    'DepthwiseConv2dNativeBackpropInput',
    byInput(depthwiseInputGradient),
  );
  replace('BatchMatMul', matMul);
  replace('Slice', mergedSlice);
  replace('OneHot', typedOneHot);
  replace('Identity', () => shared);
  replace('Cast', (original) => (args) => {
    const { dtype } = args.inputs['x'] as tf.Tensor;
    return dtype === args.attrs!['dtype'] ? shared(args) : original(args);
  });
}

function register(kernelName: string, kernelFunc: KernelFunc): void {
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
}

/** Puts `make(original)` in the place of a kernel of the backend. */
function replace(
  kernelName: string,
  make: (original: KernelFunc) => KernelFunc,
): void {
  const original = tf.getKernel(kernelName, 'wasm');
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...original, kernelFunc: make(original.kernelFunc) });
}

// Kernels are handed tensors, whatever their types say, and a kernel may itself
// call operations: the engine does not record those for a gradient.

const byFilter =
  (gradient: typeof filterGradient): KernelFunc =>
  ({ inputs, attrs }) => {
    const { x, dy } = inputs as unknown as Record<'x' | 'dy', tf.Tensor4D>;
    const { filterShape, ...rest } = attrs as unknown as ConvAttributes & {
      filterShape: Shape4D;
    };
    return tf.tidy(() => gradient(x, dy, filterShape, rest));
  };

const byInput =
  (gradient: typeof inputGradient): KernelFunc =>
  ({ inputs, attrs }) => {
    const { dy, filter } = inputs as unknown as Record<
      'dy' | 'filter',
      tf.Tensor4D
    >;
    const { inputShape, ...rest } = attrs as unknown as ConvAttributes & {
      inputShape: Shape4D;
    };
    return tf.tidy(() => gradient(dy, filter, inputShape, rest));
  };

interface OneHotAttributes {
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
  readonly dtype: 'float32' | 'int32' | 'bool';
}

/** The backend's own writes integers, whatever type was asked for. */
function typedOneHot(original: KernelFunc): KernelFunc {
  return (args) => {
    const attributes = args.attrs as unknown as OneHotAttributes;
    const { depth, onValue, offValue, dtype } = attributes;
    if (dtype === 'int32') return original(args);
    const indices = args.inputs['indices'] as tf.Tensor;
    return tf.tidy(() => {
      const hit = tf.oneHot(indices, depth, 1, 0, 'int32');
      const scaled = tf.mul(tf.cast(hit, 'float32'), onValue - offValue);
      return tf.cast(tf.add(scaled, offValue), dtype);
    });
  };
}

/** The same memory once more, where the backend's own makes a copy. */
const shared: KernelFunc = ({ inputs, backend }) => {
  const { dataId, shape, dtype } = inputs['x'] as tf.Tensor;
  (backend as tf.KernelBackend).incRef(dataId);
  return { dataId, shape, dtype };
};
