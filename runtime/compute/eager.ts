import * as tf from '@tensorflow/tfjs-core';
import type { Program } from '#distill/program.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedTensors,
} from '#distill/tensors.js';
import { BatchShapeError } from '../errors.js';
import { checkSomeTensors, checkSpec, checkTensors, specOf } from './check.js';
import type { Engine, EngineName, Executable } from './engine.js';

/**
 * An engine that runs programs operation by operation on a backend of
 * TensorFlow.js, which its caller has registered. State stays on the backend.
 *
 * @param backend TensorFlow.js' name of the backend
 * @param version library and version, for reports
 */
export async function createEagerEngine(
  name: EngineName,
  backend: string,
  version: string,
): Promise<Engine> {
  // The core alone knows no gradients; this package registers them.
  await import('@tensorflow/tfjs');
  tf.enableProdMode();
  await activate(backend);
  return new EagerEngine(name, backend, version);
}

/** TensorFlow.js has one current backend in a thread; engines take turns. */
async function activate(backend: string): Promise<void> {
  while (tf.getBackend() !== backend) await tf.setBackend(backend);
}

/** A program's result, as a type that `tf.tidy` takes. */
type StepResult = Record<'state' | 'outputs', Record<string, tf.Tensor>>;

class EagerEngine implements Engine {
  private readonly executables = new Set<EagerExecutable>();

  constructor(
    readonly name: EngineName,
    private readonly backend: string,
    readonly version: string,
  ) {}

  async compile(
    program: Program,
    initialState: NamedHostTensors,
  ): Promise<Executable> {
    checkTensors('state', program.state, initialState);
    await activate(this.backend);
    const state = mapTensors(initialState, toDevice);
    const executable = new EagerExecutable(program, this.backend, state, () =>
      this.executables.delete(executable),
    );
    this.executables.add(executable);
    return executable;
  }

  async dispose(): Promise<void> {
    for (const executable of this.executables) executable.dispose();
  }
}

class EagerExecutable implements Executable {
  constructor(
    private readonly program: Program,
    private readonly backend: string,
    private readonly state: Record<string, tf.Tensor>,
    private readonly onDispose: () => void,
  ) {}

  async run(inputs: NamedHostTensors): Promise<NamedHostTensors> {
    checkTensors('inputs', this.program.inputs, inputs);
    await activate(this.backend);
    const result = tf.tidy(() => this.step(mapTensors(inputs, toDevice)));
    this.replaceState(result.state);
    try {
      return await toHost(result.outputs);
    } finally {
      tf.dispose(Object.values(result.outputs));
    }
  }

  async readState(names?: readonly string[]): Promise<NamedHostTensors> {
    const wanted = names ?? Object.keys(this.state);
    for (const name of wanted) specOf('state', this.program.state, name);
    await activate(this.backend);
    return toHost(pick(this.state, wanted));
  }

  async writeState(state: NamedHostTensors): Promise<void> {
    checkSomeTensors('state', this.program.state, state);
    await activate(this.backend);
    this.replaceState(mapTensors(state, toDevice));
  }

  dispose(): void {
    tf.dispose(Object.values(this.state));
    for (const name of Object.keys(this.state)) delete this.state[name];
    this.onDispose();
  }

  /** Runs the program once; none of the result's tensors is anyone else's. */
  private step(inputs: NamedTensors): StepResult {
    const { state, outputs } = this.program.run(this.state, inputs);
    for (const [name, tensor] of Object.entries(state)) {
      const spec = specOf('new state', this.program.state, name);
      const { shape, dtype: dataType } = tensor;
      checkSpec(`new state.${name}`, spec, { shape, dataType });
    }
    const seen = new Set(Object.values(this.state));
    const owned = (tensor: tf.Tensor) => {
      if (seen.has(tensor)) return tensor.clone();
      seen.add(tensor);
      return tensor;
    };
    return {
      state: mapTensors(state, owned),
      outputs: mapTensors(outputs, owned),
    };
  }

  private replaceState(tensors: NamedTensors): void {
    for (const [name, tensor] of Object.entries(tensors)) {
      this.state[name]?.dispose();
      this.state[name] = tensor;
    }
  }
}

function mapTensors<From, To>(
  tensors: Readonly<Record<string, From>>,
  map: (tensor: From) => To,
): Record<string, To> {
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.map(([name, from]) => [name, map(from)]));
}

function pick(
  tensors: Readonly<Record<string, tf.Tensor>>,
  names: readonly string[],
): NamedTensors {
  const wanted = new Set(names);
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.filter(([name]) => wanted.has(name)));
}

/** Copies, since the `cpu` backend works on the very array it is given. */
function toDevice({ data, shape }: HostTensor): tf.Tensor {
  const dataType = data instanceof Int32Array ? 'int32' : 'float32';
  return tf.tensor(data.slice(), [...shape], dataType);
}

async function toHost(tensors: NamedTensors): Promise<NamedHostTensors> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => {
    const { shape } = tensor;
    const data = (await tensor.data()).slice();
    if (!(data instanceof Float32Array || data instanceof Int32Array)) {
      const expected = 'float32 or int32';
      const actual = tensor.dtype;
      throw new BatchShapeError({ field: name, expected, actual });
    }
    return [name, { shape, data }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
