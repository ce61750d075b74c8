import type { Constant, Graph, GraphNode } from './graph.js';

/** The epsilon of `BatchNormalization` nodes: torch's. */
export const epsilon = 1e-5;

/**
 * Makes each batch norm behind a convolution a part of it:
 *
 *   w' = w s      b' = (b - mean) s + bias      s = scale / sqrt(var + epsilon)
 *
 * A vector that was added in between is b. Norms behind anything else stay.
 *
 * @param kept values that others read too, which must stay as they are
 */
export function foldBatchNorms(graph: Graph, kept: ReadonlySet<string>): void {
  const folding = new Folding(graph, kept);
  for (const [i, node] of graph.nodes.entries()) {
    const folded =
      node.op === 'BatchNormalization' ? folding.folded(node) : undefined;
    if (folded) graph.nodes[i] = folded;
  }
}

class Folding {
  readonly #makers = new Map<string, GraphNode>();
  readonly #readers = new Map<string, number>();

  constructor(
    private readonly graph: Graph,
    private readonly kept: ReadonlySet<string>,
  ) {
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#makers.set(name, node);
      for (const name of node.inputs)
        this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
    }
  }

  /** The convolution that takes the norm's place. */
  folded(norm: GraphNode): GraphNode | undefined {
    const [x, ...vectors] = norm.inputs as [string, ...string[]];
    const added = this.#added(x);
    const conv = this.#only(added?.to ?? x);
    if (conv?.op !== 'Conv' || conv.inputs.length !== 2) return undefined;
    const [image, weightName] = conv.inputs as [string, string];
    const weight = this.#constant(weightName);
    const constants = vectors.map((name) => this.#constant(name)?.data);
    const [scale, bias, mean, variance] = constants;
    if (!weight || !(scale && bias && mean && variance)) return undefined;
    const factors = Float64Array.from(
      { length: scale.length },
      (_, c) => scale[c]! / Math.sqrt(variance[c]! + epsilon),
    );
    const perChannel = weight.data.length / factors.length;
    const data = Float32Array.from(
      weight.data,
      (value, i) => value * factors[Math.floor(i / perChannel)]!,
    );
    const shift = Float32Array.from(factors, (factor, c) => {
      return ((added?.vector[c] ?? 0) - mean[c]!) * factor + bias[c]!;
    });
    // The folded tensors take the names of those that they replace.
    const biasName = norm.inputs[2]!;
    this.graph.constants.set(weightName, { ...weight, data });
    this.graph.constants.set(biasName, {
      ...{ type: 'float32', dims: [shift.length], data: shift },
    });
    const inputs = [image, weightName, biasName];
    return { ...conv, inputs, outputs: norm.outputs };
  }

  /** What makes `name`, if nothing but one node reads it. */
  #only(name: string): GraphNode | undefined {
    const alone = this.#readers.get(name) === 1 && !this.kept.has(name);
    return alone ? this.#makers.get(name) : undefined;
  }

  /** `name` as a value plus a constant of one number a channel. */
  #added(name: string) {
    const node = this.#only(name);
    if (node?.op !== 'Add') return undefined;
    const [a, b] = node.inputs as [string, string];
    const [left, right] = [this.#constant(a), this.#constant(b)];
    if (right) return { to: a, vector: right.data };
    return left && { to: b, vector: left.data };
  }

  /** A constant, or one with other dims. */
  #constant(name: string): Constant | undefined {
    const known = this.graph.constants.get(name);
    if (known) return known;
    const maker = this.#makers.get(name);
    if (maker?.op !== 'Reshape') return undefined;
    return this.graph.constants.get(maker.inputs[0]!);
  }
}
