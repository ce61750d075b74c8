import { KernelUnsupportedError } from '../../errors.js';
import type { Graph } from './graph.js';
import type { View } from './view.js';

/** Says in ONNX what one kernel of TensorFlow.js computes. */
export type Lowering = (
  graph: Graph,
  inputs: Readonly<Record<string, View>>,
  attributes: object,
) => View | View[];

/** Lowerings by the kernel's name in TensorFlow.js. */
export type LoweringTable = Readonly<Record<string, Lowering>>;

/** A lowering that names the inputs and attributes that it reads. */
export function lowering<Input extends string, Attributes = object>(
  lower: (
    graph: Graph,
    inputs: Readonly<Record<Input, View>>,
    attributes: Attributes,
  ) => View | View[],
): Lowering {
  return lower as Lowering;
}

/** One for kernels with any number of inputs. */
export function variadic<Attributes>(
  lower: (graph: Graph, inputs: View[], attributes: Attributes) => View,
): Lowering {
  return (graph, inputs, attributes) =>
    lower(graph, Object.values(inputs), attributes as Attributes);
}

/** The error for a program that this engine cannot compile. */
export function unsupported(kernel: string, problem: string) {
  return new KernelUnsupportedError({ engine: 'onnx', kernel, problem });
}
