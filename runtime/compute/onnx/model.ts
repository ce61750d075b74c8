import { nchwcDomain } from './blocked.js';
import {
  type Attribute,
  type Constant,
  elementTypes,
  type ElementType,
  type Graph,
  type GraphNode,
} from './graph.js';
import { MessageWriter } from './protobuf.js';

/**
 * ONNX files. Field numbers are those of onnx.proto (ONNX 1.17); versions are
 * pinned so that a newer runtime gives the same operators.
 */
const irVersion = 8;
export const opset = 18;
const opsets = { '': opset, 'com.microsoft': 1, [nchwcDomain]: 1 };

const attributeTypes = { float: 1, integer: 2, string: 3, integers: 7 };

/** A named tensor at the graph's border. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
}

/** A tensor at the border of which some lengths have a name instead. */
export type OpenPort = Omit<Port, 'dims'> & {
  readonly dims: readonly (number | string)[];
};

/** What a file says besides its graph. */
interface ModelFacts {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Serialises `graph` with `inputs` and `outputs` at its border. */
export function encodeModel(
  graph: Graph,
  inputs: readonly OpenPort[],
  outputs: readonly OpenPort[],
  { name: title = 'program', metadata = {} }: ModelFacts = {},
): Uint8Array {
  const nodes = graph.nodesFor(outputs.map((port) => port.name));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const body = new MessageWriter().string(2, title);
  for (const node of nodes) body.message(1, encodeNode(node));
  for (const [name, constant] of graph.constants) {
    if (read.has(name)) body.message(5, encodeConstant(name, constant));
  }
  for (const port of inputs) body.message(11, encodePort(port));
  for (const port of outputs) body.message(12, encodePort(port));
  const model = new MessageWriter()
    .integer(1, irVersion)
    .string(2, 'rrd')
    .message(7, body);
  const domains = new Set(['', ...nodes.map((node) => node.domain)]);
  for (const [domain, version] of Object.entries(opsets)) {
    if (!domains.has(domain)) continue;
    model.message(8, new MessageWriter().string(1, domain).integer(2, version));
  }
  for (const [key, value] of Object.entries(metadata)) {
    model.message(14, new MessageWriter().string(1, key).string(2, value));
  }
  return model.finish();
}

function encodeNode(node: GraphNode): MessageWriter {
  const message = new MessageWriter();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, node.outputs[0]!).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) {
    message.message(5, encodeAttribute(name, value));
  }
  return message.string(7, node.domain);
}

function encodeAttribute(name: string, value: Attribute): MessageWriter {
  const message = new MessageWriter().string(1, name);
  if (typeof value === 'number') {
    return message.integer(3, value).integer(20, attributeTypes.integer);
  }
  if (typeof value === 'string') {
    return message.string(4, value).integer(20, attributeTypes.string);
  }
  if ('float' in value) {
    return message.float(2, value.float).integer(20, attributeTypes.float);
  }
  for (const item of value) message.integer(8, item);
  return message.integer(20, attributeTypes.integers);
}

function encodeConstant(name: string, constant: Constant): MessageWriter {
  const message = new MessageWriter();
  for (const dim of constant.dims) message.integer(1, dim);
  return message
    .integer(2, elementTypes[constant.type])
    .string(8, name)
    .bytes(9, rawBytes(constant));
}

const elementsOf: Readonly<
  Record<ElementType, (data: Constant['data']) => NodeJS.TypedArray>
> = {
  float32: (data) => Float32Array.from(data),
  int32: (data) => Int32Array.from(data),
  int64: (data) => BigInt64Array.from(Array.from(data, BigInt)),
  int8: (data) => Int8Array.from(data),
  uint8: (data) => Uint8Array.from(data),
  bool: (data) => Uint8Array.from(data),
};

/** Little-endian elements, as TensorProto.raw_data wants them. */
function rawBytes({ type, data }: Constant): Uint8Array {
  return new Uint8Array(elementsOf[type](data).buffer);
}

function encodePort({ name, type, dims }: OpenPort): MessageWriter {
  const shape = new MessageWriter();
  for (const dim of dims) {
    const length = new MessageWriter();
    if (typeof dim === 'number') length.integer(1, dim);
    else length.string(2, dim);
    shape.message(1, length);
  }
  const tensor = new MessageWriter()
    .integer(1, elementTypes[type])
    .message(2, shape);
  return new MessageWriter()
    .string(1, name)
    .message(2, new MessageWriter().message(1, tensor));
}
