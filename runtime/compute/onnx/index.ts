import { availableParallelism } from 'node:os';
import type { Program } from '#distill/program.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { EngineUnavailableError } from '../../errors.js';
import { checkTensors } from '../check.js';
import type { Engine, EngineProvider, Executable } from '../engine.js';
import { OnnxExecutable } from './executable.js';
import { loadOnnxRuntime, type OnnxRuntime } from './onnxruntime.js';
import { probeBlockSize } from './probe.js';
import { sessionOptions } from './session.js';
import { trace, type TracedProgram } from './trace.js';

export interface OnnxOptions {
  /** Threads that share one operator's work; by default one for each core. */
  readonly threads?: number;
  /** Leave out ONNX Runtime's blocked layouts even where they work. */
  readonly standardOnly?: boolean;
  /** Where the operators run; `webgpu` knows no blocked layouts. */
  readonly executionProvider?: 'cpu' | 'webgpu';
}

/** Compiles programs to ONNX graphs; needs nothing but its npm package. */
export const onnxProvider: EngineProvider = {
  name: 'onnx',
  async missing() {
    try {
      await loadOnnxRuntime();
      return undefined;
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
      return error.metadata.problem;
    }
  },
  create: () => createOnnxEngine(),
};

/** @throws EngineUnavailableError without onnxruntime-node */
export async function createOnnxEngine(
  options: OnnxOptions = {},
): Promise<Engine> {
  const runtime = await loadOnnxRuntime();
  // The core alone knows no gradients; this package registers them.
  await import('@tensorflow/tfjs');
  const threads = options.threads ?? availableParallelism();
  const { executionProvider = 'cpu' } = options;
  const standardOnly = options.standardOnly || executionProvider !== 'cpu';
  const blockSize = standardOnly ? undefined : await probeBlockSize(runtime);
  return new OnnxEngine(runtime, executionProvider, threads, blockSize);
}

class OnnxEngine implements Engine {
  readonly name: 'onnx' | 'webgpu';
  readonly version: string;
  private readonly executables = new Set<Executable>();

  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly executionProvider: 'cpu' | 'webgpu',
    private readonly threads: number,
    private readonly blockSize: number | undefined,
  ) {
    this.name = executionProvider === 'cpu' ? 'onnx' : executionProvider;
    this.version = `onnxruntime-node ${runtime.env.versions.node} (${executionProvider})`;
  }

  async compile(
    program: Program,
    initialState: NamedHostTensors,
  ): Promise<Executable> {
    checkTensors('state', program.state, initialState);
    const executable = await OnnxExecutable.create(
      this.runtime,
      program,
      this.trace(program),
      initialState,
      {
        sessionOptions: sessionOptions([this.executionProvider], this.threads),
        onDevice: this.executionProvider !== 'cpu',
      },
    );
    this.executables.add(executable);
    return executable;
  }

  /** With a state that stays, ONNX Runtime finds the best layouts itself. */
  private trace(program: Program): TracedProgram {
    const traced = trace(program);
    if (traced.newState.size === 0) return traced;
    return trace(program, this.blockSize);
  }

  async dispose(): Promise<void> {
    for (const executable of this.executables) executable.dispose();
    this.executables.clear();
  }
}
