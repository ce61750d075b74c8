/** Element types of values inside a graph, with their numbers in ONNX files. */
export const elementTypes = {
  ...{ float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 },
};

export type ElementType = keyof typeof elementTypes;

/** An ONNX attribute: integers are plain numbers, floats say so. */
export type Attribute =
  number | readonly number[] | string | { readonly float: number };

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** '' is ONNX itself, `com.microsoft` ONNX Runtime's own operators. */
  readonly domain: string;
}

export interface Constant {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: readonly number[] | Float32Array | Int32Array | Int8Array;
}

/** Constants up to this length are compared, so that equal ones are one. */
const longestShared = 64;

interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
  /** Number of outputs, 1 by default. */
  readonly outputs?: number;
}

/**
 * An ONNX graph under construction. Adding a node that is there already
 * returns the old one's outputs, so equal work is done once.
 */
export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly constants = new Map<string, Constant>();
  readonly #known = new Map<string, readonly string[]>();
  readonly #producers = new Map<string, GraphNode>();
  #names = 0;

  /** @param blockSize of blocked.ts; without it, standard layouts are used */
  constructor(readonly blockSize?: number) {}

  /** Adds a node with one output; returns the output's name. */
  add(op: string, inputs: readonly string[], options?: NodeOptions): string {
    return this.addNode(op, inputs, options)[0]!;
  }

  addNode(
    op: string,
    inputs: readonly string[],
    { attributes = {}, domain = '', outputs = 1 }: NodeOptions = {},
  ): readonly string[] {
    const key = JSON.stringify([domain, op, inputs, attributes, outputs]);
    const known = this.#known.get(key);
    if (known) return known;
    const names = Array.from({ length: outputs }, () => `v${this.#names++}`);
    const node = { op, inputs, outputs: names, attributes, domain };
    this.nodes.push(node);
    this.#known.set(key, names);
    for (const name of names) this.#producers.set(name, node);
    return names;
  }

  /** The node that makes `name`; undefined for inputs and constants. */
  producer(name: string): GraphNode | undefined {
    return this.#producers.get(name);
  }

  constant(
    type: ElementType,
    dims: readonly number[],
    data: Constant['data'],
  ): string {
    const name = `c${this.#names++}`;
    if (data.length <= longestShared) {
      const key = `${type} ${dims.join()} ${data.join()}`;
      const known = this.#known.get(key);
      if (known) return known[0]!;
      this.#known.set(key, [name]);
    }
    this.constants.set(name, { type, dims, data });
    return name;
  }

  /** A vector of int64: how operators take axes and shapes. */
  integers(values: readonly number[]): string {
    return this.constant('int64', [values.length], values);
  }

  /** The same elements with other dims; moves no data. */
  reshape(name: string, dims: readonly number[]): string {
    const constant = this.constants.get(name);
    if (constant) return this.constant(constant.type, dims, constant.data);
    const node = this.producer(name);
    const source = node?.op === 'Reshape' ? node.inputs[0]! : name;
    return this.add('Reshape', [source, this.integers(dims)]);
  }

  /** A new value equal to `name`: never shared with another copy. */
  copy(name: string): string {
    const node = {
      op: 'Identity',
      inputs: [name],
      outputs: [`v${this.#names++}`],
      attributes: {},
      domain: '',
    };
    this.nodes.push(node);
    return node.outputs[0]!;
  }

  /** The nodes that `outputs` depend on, in an order that can be executed. */
  nodesFor(outputs: readonly string[]): GraphNode[] {
    const wanted = new Set(outputs);
    const kept = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((output) => wanted.has(output))) continue;
      kept.push(node);
      for (const input of node.inputs) wanted.add(input);
    }
    return kept.reverse();
  }
}
