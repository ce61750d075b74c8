import { EngineUnavailableError } from '../../errors.js';
import type { EngineProvider } from '../engine.js';
import { createOnnxEngine } from '../onnx/index.js';
import { Graph } from '../onnx/graph.js';
import { encodeModel } from '../onnx/model.js';
import { loadOnnxRuntime, type OnnxRuntime } from '../onnx/onnxruntime.js';
import { openSession } from '../onnx/session.js';
import { claimProcess } from './claim.js';

/**
 * The graphs of the `onnx` engine on a GPU of any maker: ONNX Runtime's WebGPU
 * provider over Vulkan. It needs the driver and Vulkan's loader, no CUDA. The
 * choice of `auto` never falls on it: Vulkan may be a program on the processor.
 * One thread of a process at a time, see claim.ts.
 */
export const webgpuProvider: EngineProvider = {
  name: 'webgpu',
  async missing() {
    try {
      const end = await claimAdapter();
      end();
      return undefined;
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
      return error.metadata.problem;
    }
  },
  async create() {
    const end = await claimAdapter();
    const engine = await createOnnxEngine({ executionProvider: 'webgpu' });
    return {
      ...{ name: engine.name, version: engine.version },
      compile: (program, state) => engine.compile(program, state),
      dispose: () => engine.dispose().finally(end),
    };
  },
};

async function claimAdapter(): Promise<() => void> {
  const runtime = await loadOnnxRuntime();
  const end = await claimProcess();
  try {
    await openAdapter(runtime);
    return end;
  } catch (error) {
    end();
    throw error;
  }
}

/** @throws EngineUnavailableError if there is no GPU that Vulkan knows */
async function openAdapter(runtime: OnnxRuntime): Promise<void> {
  try {
    const session = await openSession(runtime, doubling(), ['webgpu']);
    const feeds = { x: new runtime.Tensor('float32', Float32Array.of(4), [1]) };
    const [name] = session.outputNames;
    const { [name!]: sum } = await session.run(feeds, { [name!]: null });
    await session.release();
    if (sum!.data[0] !== 8) throw new Error(`4 + 4 gave ${sum!.data[0]}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem =
      'WebGPU over Vulkan does not run: it needs the driver of a GPU and libvulkan1 ' +
      `(${reason
        .trim()
        .split('\n')[0]!
        .replace(/^.* was false\. /, '')})`;
    throw new EngineUnavailableError({ engine: 'webgpu', problem }, { cause });
  }
}

function doubling(): Uint8Array {
  const graph = new Graph();
  const sum = graph.add('Add', ['x', 'x']);
  const port = { type: 'float32', dims: [1] } as const;
  return encodeModel(graph, [{ name: 'x', ...port }], [{ name: sum, ...port }]);
}
