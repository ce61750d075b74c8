import type { Graph } from './graph.js';

/**
 * What is known about values besides the nodes that make them, so that a later
 * lowering can say the same in fewer operations. What is no longer needed then
 * is never written to the model.
 */
export class Notes<Fact> {
  readonly #byGraph = new WeakMap<Graph, Map<string, Fact>>();

  get(graph: Graph, name: string): Fact | undefined {
    return this.#byGraph.get(graph)?.get(name);
  }

  set(graph: Graph, name: string, fact: Fact): void {
    const facts = this.#byGraph.get(graph) ?? new Map<string, Fact>();
    this.#byGraph.set(graph, facts.set(name, fact));
  }
}
