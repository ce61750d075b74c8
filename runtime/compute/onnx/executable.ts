import type { Program } from '#distill/program.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import { checkSomeTensors, checkTensors, specOf } from '../check.js';
import type { Executable } from '../engine.js';
import { encodeModel, type Port } from './model.js';
import type { OnnxRuntime, OrtTensor, Session } from './onnxruntime.js';
import type { TracedProgram } from './trace.js';

/**
 * A program as a session of ONNX Runtime.
 *
 * Tensors of the state that the program replaces have two buffers that take
 * turns as input and output, so a step copies and allocates no state. If it
 * replaces none, the state goes into the model as constants: ONNX Runtime then
 * folds batch norm into the convolutions and picks layouts once.
 */
export class OnnxExecutable implements Executable {
  readonly #current = new Map<string, OrtTensor>();
  readonly #next = new Map<string, OrtTensor>();
  #session: Session | undefined;

  static async create(
    runtime: OnnxRuntime,
    program: Program,
    traced: TracedProgram,
    initialState: NamedHostTensors,
    sessionOptions: object,
  ): Promise<OnnxExecutable> {
    const executable = new OnnxExecutable(
      runtime,
      program,
      traced,
      initialState,
      sessionOptions,
    );
    await executable.#start();
    return executable;
  }

  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly program: Program,
    private readonly traced: TracedProgram,
    initialState: NamedHostTensors,
    private readonly sessionOptions: object,
  ) {
    for (const [name, port] of traced.state) {
      const { data } = initialState[name]!;
      this.#current.set(name, this.#tensor(port, data.slice()));
      if (traced.newState.has(name)) {
        this.#next.set(name, this.#tensor(port, data.slice()));
      }
    }
  }

  async run(inputs: NamedHostTensors): Promise<NamedHostTensors> {
    checkTensors('inputs', this.program.inputs, inputs);
    const { state, newState, outputs } = this.traced;
    const feeds: Record<string, OrtTensor> = {};
    const fetches: Record<string, OrtTensor | null> = {};
    for (const [name, port] of this.traced.inputs) {
      feeds[port.name] = this.#tensor(port, inputs[name]!.data);
    }
    if (!this.#isFrozen) {
      for (const [name, port] of state) {
        feeds[port.name] = this.#current.get(name)!;
      }
    }
    for (const [name, port] of newState) {
      fetches[port.name] = this.#next.get(name)!;
    }
    for (const port of outputs.values()) fetches[port.name] = null;
    const results = await this.#session!.run(feeds, fetches);
    this.#swap();
    return Object.fromEntries(
      [...outputs].map(([name, port]) => [name, toHost(results[port.name]!)]),
    );
  }

  async readState(names?: readonly string[]): Promise<NamedHostTensors> {
    const wanted = names ?? [...this.#current.keys()];
    for (const name of wanted) specOf('state', this.program.state, name);
    return Object.fromEntries(
      wanted.map((name) => {
        const { dims, data } = this.#current.get(name)!;
        return [name, { shape: dims, data: data.slice() }];
      }),
    );
  }

  async writeState(state: NamedHostTensors): Promise<void> {
    checkSomeTensors('state', this.program.state, state);
    for (const [name, { data }] of Object.entries(state)) {
      this.#current.get(name)!.data.set(data);
    }
    if (this.#isFrozen) await this.#start();
  }

  dispose(): void {
    this.#current.clear();
    this.#next.clear();
    void this.#session?.release();
    this.#session = undefined;
  }

  /** The state never changes but by `writeState`. */
  get #isFrozen(): boolean {
    return this.traced.newState.size === 0;
  }

  async #start(): Promise<void> {
    const { graph, state, inputs, newState, outputs } = this.traced;
    if (this.#isFrozen) {
      for (const [name, { name: value, type, dims }] of state) {
        const { data } = this.#current.get(name)!;
        graph.constants.set(value, { type, dims, data });
      }
    }
    const model = encodeModel(
      graph,
      [...(this.#isFrozen ? [] : state.values()), ...inputs.values()],
      [...newState.values(), ...outputs.values()],
    );
    const former = this.#session;
    this.#session = await this.runtime.InferenceSession.create(
      model,
      this.sessionOptions,
    );
    await former?.release();
  }

  #swap(): void {
    for (const [name, written] of this.#next) {
      this.#next.set(name, this.#current.get(name)!);
      this.#current.set(name, written);
    }
  }

  #tensor({ type, dims }: Port, data: HostTensor['data']): OrtTensor {
    return new this.runtime.Tensor(type, data, dims);
  }
}

function toHost({ dims, data }: OrtTensor): HostTensor {
  return { shape: dims, data };
}
