import type { NamedHostTensors } from '#distill/tensors.js';
import { Graph } from './graph.js';
import { byPort, type StateStore, toHost } from './host-state.js';
import { encodeModel, type Port } from './model.js';
import type { OnnxRuntime, OrtTensor, Session } from './onnxruntime.js';
import type { TracedProgram } from './trace.js';

/**
 * State in a GPU's memory: what a step writes there, the next one reads. It
 * crosses to the host only when it is asked for.
 */
export class DeviceState implements StateStore {
  readonly #current = new Map<string, OrtTensor>();
  #reader: Promise<Session> | undefined;

  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly traced: TracedProgram,
    private readonly sessionOptions: object,
    initial: NamedHostTensors,
  ) {
    this.write(initial);
  }

  feeds(): Record<string, OrtTensor> {
    return byPort(this.traced.state, (name) => this.#current.get(name)!);
  }

  fetches(): Record<string, null> {
    return byPort(this.traced.newState, () => null);
  }

  take(results: Readonly<Record<string, OrtTensor>>): void {
    for (const [name, port] of this.traced.newState)
      this.#replace(name, results[port.name]!);
  }

  /** By a graph that copies: the tensor's own download ends the process. */
  async read(names: readonly string[]): Promise<NamedHostTensors> {
    const reader = await (this.#reader ??= this.#openReader());
    const feeds = byPort(this.traced.state, (name) => this.#current.get(name)!);
    const fetches = Object.fromEntries(names.map((name) => [name, null]));
    const results = await reader.run(feeds, fetches);
    return Object.fromEntries(
      names.map((name) => [name, toHost(results[name]!)]),
    );
  }

  write(state: NamedHostTensors): void {
    for (const [name, { data }] of Object.entries(state)) {
      const { type, dims } = this.traced.state.get(name)!;
      const { Tensor } = this.runtime;
      this.#replace(name, new Tensor(type, data.slice(), dims));
    }
  }

  dispose(): void {
    for (const tensor of this.#current.values()) tensor.dispose();
    this.#current.clear();
    void this.#reader?.then((reader) => reader.release());
    this.#reader = undefined;
  }

  #replace(name: string, tensor: OrtTensor): void {
    this.#current.get(name)?.dispose();
    this.#current.set(name, tensor);
  }

  #openReader(): Promise<Session> {
    const graph = new Graph();
    const outputs: Port[] = [];
    for (const [name, port] of this.traced.state) {
      const inputs = [port.name];
      const node = { op: 'Identity', inputs, outputs: [name] };
      graph.nodes.push({ ...node, attributes: {}, domain: '' });
      outputs.push({ ...port, name });
    }
    const inputs = [...this.traced.state.values()];
    const model = encodeModel(graph, inputs, outputs);
    return this.runtime.InferenceSession.create(model, this.sessionOptions);
  }
}
