import type * as tf from '@tensorflow/tfjs-core';

/** Element types that cross an engine's border. */
export type DataType = 'float32' | 'int32';

/** Shape and element type of a tensor that does not exist yet. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dataType: DataType;
}

/** A dense array in ordinary memory: row-major, `data.length` = product(shape). */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Tensors of an engine by name. Parameters carry their torch state_dict names. */
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;
export type NamedHostTensors = Readonly<Record<string, HostTensor>>;
export type NamedSpecs = Readonly<Record<string, TensorSpec>>;

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A float32 tensor of values drawn in row-major order. */
export function drawTensor(
  shape: readonly number[],
  next: () => number,
): HostTensor & { readonly data: Float32Array } {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = next();
  return { shape, data };
}
