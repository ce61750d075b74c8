import * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from '#distill/data/dataset.js';
import { mapsOf } from '#distill/forward-program.js';
import type { MapName } from '#distill/methods/method.js';
import type { Network } from '#distill/models/network.js';
import type { Program } from '#distill/program.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { checkTensors } from '../check.js';
import { foldBatchNorms } from './fold-batch-norm.js';
import { Graph, type Constant } from './graph.js';
import { unsupported } from './lowering.js';
import { encodeModel, type OpenPort, type Port } from './model.js';
import { trace, type TracedProgram } from './trace.js';

export interface OnnxExportOptions {
  readonly imageShape: ImageShape;
  /** Make batch norms a part of the convolutions in front of them. */
  readonly foldBatchNorm: boolean;
  /** Maps that are outputs too, by their names: [batch, C, H, W] each. */
  readonly maps?: readonly MapName[];
}

/** A network in eval mode, in ONNX's terms. */
export interface ExportedNetwork {
  readonly graph: Graph;
  readonly inputs: readonly OpenPort[];
  readonly outputs: readonly OpenPort[];
}

/** Two that no constant of a network has by chance. */
const batchSizes = [1009, 1013] as const;

/**
 * A network in eval mode as an ONNX file (opset 18, operators of ONNX itself):
 * `images` float32 [batch, 3, H, W], normalised, to `logits` [batch, classes],
 * `features` [batch, featureDim] and the maps that are wanted, for any batch.
 * Weights keep their names.
 *
 * @param metadata facts that travel with the model, by name
 * @throws KernelUnsupportedError for a network that cannot be said so
 */
export function exportOnnx(
  network: Network,
  tensors: NamedHostTensors,
  options: OnnxExportOptions,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { graph, inputs, outputs } = exportGraph(network, tensors, options);
  return encodeModel(graph, inputs, outputs, { name: network.name, metadata });
}

/** See `exportOnnx`. */
export function exportGraph(
  network: Network,
  tensors: NamedHostTensors,
  options: OnnxExportOptions,
): ExportedNetwork {
  checkTensors(
    'tensors',
    { ...network.parameters, ...network.buffers },
    tensors,
  );
  const [traced, other] = batchSizes.map((size) =>
    trace(forwardProgram(network, options, size)),
  ) as [TracedProgram, TracedProgram];
  const names = friendlyNames(traced);
  const graph = renamed(withAnyBatch(traced.graph, other.graph), names);
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const type = data instanceof Int32Array ? 'int32' : 'float32';
    graph.constants.set(name, { type, dims: shape, data });
  }
  const ports = (from: ReadonlyMap<string, Port>) =>
    [...from].map(([name, { type, dims }]) => {
      return { name, type, dims: ['batch', ...dims.slice(1)] };
    });
  const [inputs, outputs] = [ports(traced.inputs), ports(traced.outputs)];
  if (options.foldBatchNorm) {
    foldBatchNorms(graph, new Set(outputs.map(({ name }) => name)));
  }
  const needed = graph.nodesFor(outputs.map(({ name }) => name));
  graph.nodes.splice(0, Infinity, ...needed);
  return { graph, inputs, outputs };
}

function forwardProgram(
  network: Network,
  { imageShape, maps = [] }: OnnxExportOptions,
  batchSize: number,
): Program {
  const [height, width, channels] = imageShape;
  const shape = [batchSize, channels, height, width];
  return {
    name: `export ${network.name}`,
    state: { ...network.parameters, ...network.buffers },
    inputs: { images: { shape, dataType: 'float32' } },
    run(state, { images }) {
      const channelsLast = tf.transpose(images as tf.Tensor4D, [0, 2, 3, 1]);
      const output = network.forward(state, channelsLast, 'eval');
      const { logits, features } = output;
      const wanted = mapsOf(output, (name) => maps.includes(name));
      const channelsFirst = Object.entries(wanted).map(([name, map]) => {
        return [name, tf.transpose(map, [0, 3, 1, 2])] as const;
      });
      const named = Object.fromEntries(channelsFirst);
      return { state: {}, outputs: { logits, features, ...named } };
    },
  };
}

/** Names of the border and of the weights instead of numbers. */
function friendlyNames(traced: TracedProgram): ReadonlyMap<string, string> {
  const all = [...traced.state, ...traced.inputs, ...traced.outputs];
  return new Map(all.map(([name, port]) => [port.name, name]));
}

/**
 * The graph for any batch: where those of two sizes differ, it is in the shape
 * of a Reshape, which can leave one length open.
 */
function withAnyBatch(graph: Graph, other: Graph): Graph {
  const same = (a: unknown, b: unknown) =>
    JSON.stringify(a) === JSON.stringify(b);
  if (!same(graph.nodes, other.nodes))
    throw unsupported('export', 'the graph depends on the batch size');
  const open = new Graph();
  open.nodes.push(...graph.nodes);
  for (const [name, constant] of graph.constants) {
    const twin = other.constants.get(name);
    if (same(constant, twin)) {
      open.constants.set(name, constant);
      continue;
    }
    const readers = graph.nodes.filter((node) => node.inputs.includes(name));
    const onlyShapes = readers.every(
      ({ op, inputs }) => op === 'Reshape' && inputs[1] === name,
    );
    if (!onlyShapes)
      throw unsupported(readers[0]?.op ?? name, 'it depends on the batch size');
    open.constants.set(name, openShape(constant, twin));
  }
  return open;
}

function openShape(constant: Constant, twin: Constant | undefined): Constant {
  const data = Array.from(constant.data, (length, i) =>
    length === twin?.data[i] ? length : -1,
  );
  if (data.filter((length) => length === -1).length > 1)
    throw unsupported('Reshape', 'two lengths depend on the batch size');
  return { ...constant, data };
}

function renamed(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const nameOf = (name: string) => names.get(name) ?? name;
  const result = new Graph();
  for (const node of graph.nodes) {
    const [inputs, outputs] = [node.inputs, node.outputs].map((list) =>
      list.map(nameOf),
    ) as [string[], string[]];
    result.nodes.push({ ...node, inputs, outputs });
  }
  for (const [name, constant] of graph.constants)
    result.constants.set(nameOf(name), constant);
  return result;
}
