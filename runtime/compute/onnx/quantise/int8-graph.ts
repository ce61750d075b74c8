import { type Constant, Graph, type GraphNode } from '../graph.js';
import { type Range, scaleOf, toIntegers } from './scales.js';

export interface Precision {
  /** Of the values that `roundedValues` names. */
  readonly ranges: ReadonlyMap<string, Range>;
  /** Layers that stay float32. */
  readonly kept: ReadonlySet<string>;
}

/** Layers that can be int8: convolutions, by the names of their weights. */
export function layersOf({ nodes, constants }: Graph): readonly string[] {
  return nodes
    .filter(({ op, inputs: [, ...weights] }) => {
      return op === 'Conv' && weights.every((name) => constants.has(name));
    })
    .map(({ inputs }) => inputs[1]!);
}

/**
 * Values that the graph in int8 rounds: what its layers read; and both terms
 * and the outcome of sums behind them, so that sums are of integers too.
 */
export function roundedValues(
  graph: Graph,
  kept: ReadonlySet<string>,
): ReadonlySet<string> {
  const layers = int8Layers(graph, kept);
  const rounded = new Set<string>();
  const made = new Set<string>();
  const rectified = new Map<string, string>();
  for (const { op, inputs, outputs } of graph.nodes) {
    if (op === 'Relu') rectified.set(inputs[0]!, outputs[0]!);
    if (op !== 'Conv' || !layers.has(inputs[1]!)) continue;
    rounded.add(inputs[0]!);
    made.add(outputs[0]!);
  }
  for (const { op, inputs, outputs } of graph.nodes) {
    if (op !== 'Add' || !inputs.some((name) => made.has(name))) continue;
    if (inputs.some((name) => graph.constants.has(name))) continue;
    for (const name of inputs) rounded.add(name);
    rounded.add(rectified.get(outputs[0]!) ?? outputs[0]!);
  }
  return rounded;
}

/**
 * The same graph in int8: pairs of QuantizeLinear and DequantizeLinear around
 * convolutions and sums, of which ONNX Runtime makes operators of integers.
 * Values are uint8 with one scale, filters int8 with one for each channel
 * (Jacob et al., arXiv 1712.05877, section 2; ranges are known, not learnt).
 *
 * @param graph batch norms folded
 */
export function int8Graph(graph: Graph, { ranges, kept }: Precision): Graph {
  const result = new Graph();
  for (const entry of graph.constants) result.constants.set(...entry);
  const layers = int8Layers(graph, kept);
  const rounded = roundedValues(graph, kept);
  const names = new Map<string, string>();
  const read = (name: string): string => {
    if (!rounded.has(name)) return name;
    const known = names.get(name);
    if (known !== undefined) return known;
    const added = addRounding(result, name, ranges.get(name)!);
    names.set(name, added);
    return added;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(read);
    const [x, weight] = node.inputs as [string, string];
    if (node.op === 'Conv' && layers.has(weight)) {
      const { scale } = scaleOf(ranges.get(x)!);
      inputs.splice(1, Infinity, ...addWeights(result, node, scale));
    }
    result.nodes.push({ ...node, inputs });
  }
  return result;
}

function int8Layers(graph: Graph, kept: ReadonlySet<string>) {
  return new Set(layersOf(graph).filter((name) => !kept.has(name)));
}

/** `name` as integers and back. */
function addRounding(graph: Graph, name: string, range: Range): string {
  const { scale, zeroPoint } = scaleOf(range);
  const pair = [
    addConstant(graph, `${name}/scale`, 'float32', [], [scale]),
    addConstant(graph, `${name}/zero`, 'uint8', [], [zeroPoint]),
  ];
  const integers = `${name}/uint8`;
  addNode(graph, 'QuantizeLinear', [name, ...pair], integers);
  return addNode(
    graph,
    'DequantizeLinear',
    [integers, ...pair],
    `${name}/rounded`,
  );
}

/** Filter and bias as integers that are made float32 again. */
function addWeights(graph: Graph, { inputs }: GraphNode, inputScale: number) {
  const [, filterName, biasName] = inputs as [string, string, string?];
  const filter = graph.constants.get(filterName)!;
  const { scales, values } = toIntegers(filter);
  const names = [
    addIntegers(graph, filterName, 'int8', filter.dims, values, scales),
  ];
  if (biasName === undefined) return names;
  // The scale of the products, so that both are summed as they are.
  const biasScales = scales.map((scale) => scale * inputScale);
  const bias = Int32Array.from(graph.constants.get(biasName)!.data, (b, i) =>
    Math.round(b / biasScales[i]!),
  );
  const dims = [bias.length];
  return [
    ...names,
    addIntegers(graph, biasName, 'int32', dims, bias, biasScales),
  ];
}

function addIntegers(
  graph: Graph,
  name: string,
  type: 'int8' | 'int32',
  dims: readonly number[],
  values: Int8Array | Int32Array,
  scales: Float32Array,
): string {
  const length = [scales.length];
  const zeros = new Int32Array(scales.length);
  const parts = [
    addConstant(graph, `${name}/integers`, type, dims, values),
    addConstant(graph, `${name}/scales`, 'float32', length, scales),
    addConstant(graph, `${name}/zeros`, type, length, zeros),
  ];
  return addNode(graph, 'DequantizeLinear', parts, `${name}/rounded`, {
    axis: 0,
  });
}

function addConstant(
  graph: Graph,
  name: string,
  type: Constant['type'],
  dims: readonly number[],
  data: Constant['data'],
): string {
  graph.constants.set(name, { type, dims, data });
  return name;
}

function addNode(
  graph: Graph,
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: GraphNode['attributes'] = {},
): string {
  graph.nodes.push({ op, inputs, outputs: [output], attributes, domain: '' });
  return output;
}
