import type * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend, OpAttribute } from './tfjs-node.js';

/** As TensorFlow numbers its types. */
export const dataTypes = { float32: 1, int32: 3, bfloat16: 14 } as const;

/** Attributes of an operation by name, each with its kind. */
export type Attributes = Readonly<
  Record<
    string,
    | { readonly type: keyof typeof dataTypes }
    | { readonly int: number | readonly number[] }
    | { readonly float: number }
    | { readonly bool: boolean }
    | { readonly string: string }
  >
>;

/** Runs TensorFlow's operations, and ours (native/ops.cc), on tensors. */
export function operationsOn(backend: NodeBackend) {
  return (
    op: string,
    attributes: Attributes,
    inputs: readonly tf.Tensor[],
    outputCount: number,
  ): tf.Tensor[] =>
    backend.executeMultipleOutputs(
      op,
      attributesOf(backend, attributes),
      inputs,
      outputCount,
    );
}

/** Attributes as tfjs-node takes them. */
export function attributesOf(
  { binding }: NodeBackend,
  attributes: Attributes,
): OpAttribute[] {
  return Object.entries(attributes).map(([name, given]) => {
    if ('type' in given) {
      return { name, type: binding.TF_ATTR_TYPE, value: dataTypes[given.type] };
    }
    if ('int' in given)
      return { name, type: binding.TF_ATTR_INT, value: given.int };
    if ('float' in given)
      return { name, type: binding.TF_ATTR_FLOAT, value: given.float };
    if ('bool' in given)
      return { name, type: binding.TF_ATTR_BOOL, value: given.bool };
    return { name, type: binding.TF_ATTR_STRING, value: given.string };
  });
}
