import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import type { OnnxRuntime, OrtTensor } from './onnxruntime.js';
import type { TracedProgram } from './trace.js';

/** Where an executable keeps its state between steps. */
export interface StateStore {
  /** What a run reads, by the graph's names. */
  feeds(): Record<string, OrtTensor>;
  /** Where a run writes the new state; `null` allocates. */
  fetches(): Record<string, OrtTensor | null>;
  /** The new state is the state. */
  take(results: Readonly<Record<string, OrtTensor>>): void;
  read(names: readonly string[]): Promise<NamedHostTensors>;
  write(state: NamedHostTensors): void;
  dispose(): void;
}

/**
 * State in host memory. Tensors that the program replaces have two buffers that
 * take turns as input and output, so a step copies and allocates none.
 */
export class HostState implements StateStore {
  readonly #current = new Map<string, OrtTensor>();
  readonly #next = new Map<string, OrtTensor>();

  constructor(
    runtime: OnnxRuntime,
    private readonly traced: TracedProgram,
    initial: NamedHostTensors,
  ) {
    for (const [name, { type, dims }] of traced.state) {
      const copy = () =>
        new runtime.Tensor(type, initial[name]!.data.slice(), dims);
      this.#current.set(name, copy());
      if (traced.newState.has(name)) this.#next.set(name, copy());
    }
  }

  feeds(): Record<string, OrtTensor> {
    return byPort(this.traced.state, (name) => this.#current.get(name)!);
  }

  fetches(): Record<string, OrtTensor> {
    return byPort(this.traced.newState, (name) => this.#next.get(name)!);
  }

  take(): void {
    for (const [name, written] of this.#next) {
      this.#next.set(name, this.#current.get(name)!);
      this.#current.set(name, written);
    }
  }

  async read(names: readonly string[]): Promise<NamedHostTensors> {
    return Object.fromEntries(
      names.map((name) => [name, toHost(this.#current.get(name)!)]),
    );
  }

  write(state: NamedHostTensors): void {
    for (const [name, { data }] of Object.entries(state))
      this.#current.get(name)!.data.set(data);
  }

  dispose(): void {
    this.#current.clear();
    this.#next.clear();
  }
}

/** What `value` gives for each of the program's names, by the graph's. */
export function byPort<Value>(
  ports: TracedProgram['state'],
  value: (name: string) => Value,
): Record<string, Value> {
  return Object.fromEntries(
    [...ports].map(([name, port]) => [port.name, value(name)]),
  );
}

/** A copy. */
export function toHost({ dims, data }: OrtTensor): HostTensor {
  return { shape: dims, data: data.slice() };
}
