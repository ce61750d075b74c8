import type { Program } from '#distill/program.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { checkSomeTensors, checkTensors, specOf } from '../check.js';
import type { Executable } from '../engine.js';
import { DeviceState } from './device-state.js';
import { HostState, type StateStore } from './host-state.js';
import { encodeModel } from './model.js';
import type { OnnxRuntime, OrtTensor, Session } from './onnxruntime.js';
import type { TracedProgram } from './trace.js';

/** How an executable's sessions are opened. */
export interface Placement {
  readonly sessionOptions: object;
  /** The state stays on the device of the provider, which is no processor. */
  readonly onDevice: boolean;
}

/**
 * A program as a session of ONNX Runtime. If it replaces no tensor of its
 * state, the state goes into the model as constants: ONNX Runtime then folds
 * batch norm into the convolutions and picks layouts once.
 */
export class OnnxExecutable implements Executable {
  readonly #state: StateStore;
  #session: Session | undefined;

  static async create(
    runtime: OnnxRuntime,
    program: Program,
    traced: TracedProgram,
    initialState: NamedHostTensors,
    placement: Placement,
  ): Promise<OnnxExecutable> {
    const executable = new OnnxExecutable(
      runtime,
      program,
      traced,
      initialState,
      placement,
    );
    await executable.#start();
    return executable;
  }

  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly program: Program,
    private readonly traced: TracedProgram,
    initialState: NamedHostTensors,
    private readonly placement: Placement,
  ) {
    const { sessionOptions, onDevice } = placement;
    this.#state =
      onDevice && !this.#isFrozen
        ? new DeviceState(runtime, traced, sessionOptions, initialState)
        : new HostState(runtime, traced, initialState);
  }

  async run(inputs: NamedHostTensors): Promise<NamedHostTensors> {
    checkTensors('inputs', this.program.inputs, inputs);
    const feeds = this.#isFrozen ? {} : this.#state.feeds();
    const fetches: Record<string, OrtTensor | null> = this.#state.fetches();
    for (const [name, { name: value, type, dims }] of this.traced.inputs) {
      const { data } = inputs[name]!;
      feeds[value] = new this.runtime.Tensor(type, data, dims);
    }
    const { outputs } = this.traced;
    for (const port of outputs.values()) fetches[port.name] = null;
    const results = await this.#session!.run(feeds, fetches);
    this.#state.take(results);
    const entries = [...outputs].map(([name, port]) => {
      const { dims: shape, data } = results[port.name]!;
      return [name, { shape, data }] as const;
    });
    return Object.fromEntries(entries);
  }

  async readState(names?: readonly string[]): Promise<NamedHostTensors> {
    const wanted = names ?? [...this.traced.state.keys()];
    for (const name of wanted) specOf('state', this.program.state, name);
    return this.#state.read(wanted);
  }

  async writeState(state: NamedHostTensors): Promise<void> {
    checkSomeTensors('state', this.program.state, state);
    this.#state.write(state);
    if (this.#isFrozen) await this.#start();
  }

  dispose(): void {
    this.#state.dispose();
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
      const values = await this.#state.read([...state.keys()]);
      for (const [name, { name: value, type, dims }] of state) {
        const { data } = values[name]!;
        graph.constants.set(value, { type, dims, data });
      }
    }
    const model = encodeModel(
      graph,
      [...(this.#isFrozen ? [] : state.values()), ...inputs.values()],
      [...newState.values(), ...outputs.values()],
    );
    const former = this.#session;
    const { InferenceSession } = this.runtime;
    this.#session = await InferenceSession.create(model, this.#options());
    await former?.release();
  }

  #options(): object {
    const { sessionOptions, onDevice } = this.placement;
    if (!onDevice) return sessionOptions;
    const { newState, outputs } = this.traced;
    const places = [
      ...[...newState.values()].map(({ name }) => [name, 'gpu-buffer']),
      ...[...outputs.values()].map(({ name }) => [name, 'cpu']),
    ] as const;
    const preferredOutputLocation: unknown = Object.fromEntries(places);
    return { ...sessionOptions, preferredOutputLocation };
  }
}
